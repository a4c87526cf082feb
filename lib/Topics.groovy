import nextflow.NextflowMeta

/**
 * Topic channels, by which every task's run record and versions reach the report. In Nextflow 24.10 they are a preview
 * behind a flag that later versions, where they are stable, refuse to see in a script: so it is set here.
 */
class Topics {
    static void enable() {
        Object preview = NextflowMeta.instance.preview
        if( preview.hasProperty('topic') ) preview.@topic = true
    }
}
