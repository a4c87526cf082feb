// LD scores of one chromosome's annotations by ldsc's own program.
process LDSC_L2 {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(plink), path(annotations), path(print_snps, stageAs: 'print/*')

    output:
    tuple val(meta), path('*.l2.{ldscore.gz,M,M_5_50}'), emit: scores
    path '*.run.json'                                  , emit: run_info, topic: run_info, optional: true
    path 'versions.yml'                                , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    def commands = [annotations].flatten().collect { file ->
        def out = file.name - '.annot.gz'
        "ld_scores --bfile ${meta.stem}${meta.id} --annot ${file} --thin-annot --out ${out} ${args}" +
            (print_snps ? "\n    ordered ${out}.l2.ldscore.gz" : '')
    }
    // ldsc joins files that it sorts by place: order and places are those of the file whose SNPs are printed. They are
    // chosen here, as --print-snps of PyPI's package stops; of SNPs with one id the first counts, as in ours
    """
    ${Ldsc.scores().replace('\n', '\n    ')}
    ordered() {
        gzip -cd \$1 > scores.txt
        awk -v OFS='\\t' '
            NR == FNR && FNR == 1 { header = \$0; next }
            NR == FNR {
                snp = \$2
                sub(/^[^\\t]*\\t[^\\t]*\\t[^\\t]*\\t/, "")
                if (! (snp in values)) values[snp] = \$0
                next
            }
            FNR == 1 { for (i = 1; i <= NF; i++) at[\$i] = i; print header; next }
            { snp = \$at["SNP"] }
            snp in values { print \$at["CHR"], snp, \$at["BP"], values[snp] }
        ' scores.txt places.txt | gzip -n > \$1
    }
    if [ -n "${print_snps}" ]; then
        gzip -cdf ${print_snps} > places.txt
    fi
    ${commands.join('\n    ')}
    sed -n 's/^\\* Version \\(.*\\)/ldsc: "\\1"/p' ${[annotations].flatten()[0].name - '.annot.gz'}.log > versions.yml
    """

    stub:
    def files = [annotations].flatten().collectMany { file ->
        ['ldscore.gz', 'M', 'M_5_50'].collect { end -> "${file.name - '.annot.gz'}.l2.${end}" }
    }
    """
    touch ${files.join(' ')} versions.yml
    """
}
