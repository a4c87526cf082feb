/** Where tasks leave what a retried or resumed one goes on from. */
class Checkpoints {

    /**
     * A folder that outlives the tasks of this run and its resumptions; nothing where tasks do not see the work folder
     * as it is.
     */
    static String folder(workflow) {
        boolean inside = !(workflow.containerEngine in [null, 'singularity', 'apptainer'])
        boolean shared = workflow.workDir.toUri().scheme == 'file' && !inside
        return shared ? "${workflow.workDir}/checkpoints/${workflow.sessionId}" : ''
    }

    /** The option that names a task's file in that folder, quoted for the shell; nothing without a folder. */
    static String option(String name, String folder, String file) {
        return folder ? "${name} '${"${folder}/${file}".replace("'", "'\\''")}'" : ''
    }
}
