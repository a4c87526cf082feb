// A study of known truth: genome, tracks, variants, eQTLs, allelic counts and GWAS, with the truth of all of it.
process SIMULATE_STUDY {
    tag "seed ${meta.seed}"
    label 'process_low'
    ext code: CodeId.of('simulate')

    input:
    val meta

    output:
    tuple val(meta), path('study'), emit: study
    path '*.run.json'             , emit: run_info, topic: run_info
    path 'versions.yml'           , emit: versions, topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    simulate.py --versions versions.yml --run-info SIMULATE_STUDY.run.json \\
        study --outdir study --seed ${meta.seed} --threads ${task.cpus} ${args}
    """

    stub:
    """
    mkdir -p study/{truth,panel,predictions,gc}
    printf '>chr1\\nACGT\\n' > study/genome.fa
    printf 'chr1\\t4\\t6\\t4\\t5\\n' > study/genome.fa.fai
    touch study/genes.bed study/motifs.meme study/{a,b,r,d}.bw study/{v,d}.vcf study/a.bam
    touch study/{n,c,s,q,m}.tsv
    touch study/panel/chr1.{bed,bim,fam} study/truth/elements.tsv
    printf 'track,cell_type,group,signal,replicate,donor,use\\n' > study/tracks.csv
    printf 'A,A,G,a.bw,1,D1,\\nB,B,G,b.bw,1,D1,\\nA.r2,A,G,r.bw,2,D1,ceiling\\nA.d2,A,G,d.bw,1,D2,ceiling\\n' \\
        >> study/tracks.csv
    printf 'model,preset,training_set,task,replicates,predictions,output,weights,adapter,score\\n' > study/models.csv
    printf 'demo,demo,balanced,multi,1,,,,,\\nprobabilities,,,,,predictions,probability,,,\\n' >> study/models.csv
    printf 'gc,,,,,,,gc,gc.py:GC,no\\n' >> study/models.csv
    printf 'set,vcf\\nall,v.vcf\\n' > study/variants.csv
    printf 'tissue,variants,negatives\\nA,e.tsv,n.tsv\\n' > study/eqtls.csv
    printf 'chrom\\tpos\\tref\\talt\\tpip\\tbeta\\tgene\\n' > study/e.tsv
    printf 'set,variants,track,columns,max_p\\ncaqtl,q.tsv,A,chrom=chrom_sim,0.001\\n' > study/qtls.csv
    printf 'set,variants,cell_type\\nsaturation,m.tsv,A\\n' > study/mpra.csv
    printf 'cell_type,counts,bam,vcf,track\\nA,c.tsv,,,A\\nB,,a.bam,d.vcf,B\\n' > study/allelic_counts.csv
    printf 'trait,sumstats\\nT,s.tsv\\n' > study/gwas.csv
    printf 'chrom,bfile\\nchr1,panel/chr1\\n' > study/ld_panel.csv
    cat <<-END > study/params.json
    {
        "fasta": "genome.fa", "genes": "genes.bed", "motifs": "motifs.meme", "truth": "truth",
        "tracks": "tracks.csv", "models": "models.csv", "variants": "variants.csv", "eqtls": "eqtls.csv",
        "qtls": "qtls.csv", "mpra": "mpra.csv", "allelic_counts": "allelic_counts.csv",
        "gwas": "gwas.csv", "ld_panel": "ld_panel.csv"
    }
    END
    touch SIMULATE_STUDY.run.json versions.yml
    """
}
