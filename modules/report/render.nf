// One self-contained page of everything.
process REPORT_RENDER {
    tag "${meta.id}"
    label 'process_single'
    ext code: CodeId.of('report')

    input:
    val meta
    path peaks       , stageAs: 'results/peaks/*'
    path models      , stageAs: 'results/models/*'
    path evaluation  , stageAs: 'results/evaluation/*'
    path variants    , stageAs: 'results/variants/*'
    path heritability, stageAs: 'results/heritability/*'
    path eqtl        , stageAs: 'results/eqtl/*'
    path qtl         , stageAs: 'results/qtl/*'
    path imbalance   , stageAs: 'results/allelic_imbalance/*'
    path truth       , stageAs: 'results/truth/*'
    path info        , stageAs: 'results/pipeline_info/*'
    path run_info    , stageAs: 'results/pipeline_info/stages/*'
    path sets        , stageAs: 'results/peaks/sets/*'

    output:
    path 'report.html' , emit: report
    path '*.run.json'  , emit: run_info
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    # code ${task.ext.code}
    report.py --versions versions.yml --run-info REPORT_RENDER.run.json render results --output report.html ${args}
    """

    stub:
    """
    touch report.html REPORT_RENDER.run.json versions.yml
    """
}
