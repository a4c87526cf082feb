import java.nio.file.Path

/** The models sheet as trainings: a row x its replicates x, for single-task rows, the tracks. */
class Models {
    /**
     * One entry a training: `meta` (what its tasks get to know) and what it is made from: params (a file), init (the id
     * of the entry it starts from), or weights, predictions, scores that exist. Without a sheet the parameters are the
     * only row.
     */
    static List<Map> entries(sheet, List<String> tracks, Map params, Path presets) {
        List<Map> rows = rows(sheet, params)
        Map<String, Map> named = rows.collectEntries { [(it.model): it] }
        return rows.collectMany { Map row ->
            List<String> tasks = row.task == 'single' ? tracks : [null]
            boolean trained = !row.predictions && !row.scores && !row.weights
            List<Integer> folds = params.k_folds && trained ? (1..(params.k_folds as int)).toList() : [null]
            [tasks, 1..replicates(row), folds].combinations().collect { String track, int replicate, Integer fold ->
                // of a single-task row: the same track's model, or the one that the sheet names
                List<String> from = (row.init_from ?: '').tokenize(':')
                Map start = from ? named[from[0]] : null
                String trackFrom = start?.task == 'single' ? (from[1] ?: track) : null
                [
                    meta: [
                        id: name(row, track, replicate, fold), model: row.model,
                        replicate: replicate, replicates: replicates(row), track: track, fold: fold,
                        position: tasks.indexOf(track), tasks: tasks.size(), parts: tasks.size() * folds.size(),
                        seed: (params.seed as int) + replicate - 1,
                        training_set: row.training_set ?: params.training_set, freeze: row.freeze == 'yes',
                    ] + outputOf(row) + row.subMap(['adapter', 'score']).findAll { _name, value -> value },
                    params: row.params ?: presets.resolve("${row.preset ?: params.preset}.json"),
                    init: start
                        ? name(start, trackFrom, Math.min(replicate, replicates(start)), start.weights ? null : fold)
                        : null,
                ] + row.subMap(['weights', 'predictions', 'scores', 'format', 'rows', 'tracks_map', 'missing'])
            }
        }
    }

    /**
     * Whether a training's model scores variants and predicts the genome: the first replicate and fold, or each; none
     * of a row that is not to be scored.
     */
    static boolean scores(Map meta, Map params) {
        return meta.score != 'no' && (params.score_replicates || meta.replicate == 1) && (meta.fold ?: 1) == 1
    }

    /** The option that says how a model is run: a known adapter, or a class of a file in its folder. */
    static String adapterOption(Map meta, model) {
        if( !meta.adapter ) return ''
        return "--adapter ${meta.adapter.contains('.py:') ? "${model}/" : ''}${meta.adapter}"
    }

    /** What a model predicts, where that is not coverage: `output: probability`. */
    static Map outputOf(Map row) { row.output == 'probability' ? [output: row.output] : [:] }

    /** What is evaluated as one model: the tracks of single-task trainings and the folds of a rotation together. */
    static Map evaluated(Map meta) {
        Map kept = meta.subMap(['model', 'replicate', 'replicates', 'output'])
        return [id: name(meta, null, meta.replicate, null)] + kept
    }

    /** Whether windows are left out that some row's predictions lack. */
    static boolean excludes(sheet) { sheet && Sheets.rows('models', sheet).any { it.missing == 'exclude' } }

    /**
     * What the single-task trainings that one task scores together are called: those of a row and replicate, so many at
     * a time; `members` says how many they are. One batch is the whole model; of several, each has a number of its own.
     */
    static Map batch(Map meta, int size) {
        int number = (meta.position as int).intdiv(size)
        int batches = ((meta.tasks as int) + size - 1).intdiv(size)
        Map whole = evaluated(meta) + [members: Math.min(size, (meta.tasks as int) - number * size)]
        return batches == 1
            ? whole
            : whole + [id: "${whole.id}.b${number + 1}".toString(), batch: number, batches: batches]
    }

    /** The models in the order of the sheet. */
    static List<String> names(sheet, Map params) { rows(sheet, params)*.model }

    /** The id of the model that stands for all where only one is shown: the sheet's first row, its first replicate. */
    static String first(sheet, Map params) { name(rows(sheet, params)[0], null, 1, null) }

    private static List<Map> rows(sheet, Map params) {
        return sheet ? Sheets.rows('models', sheet) : [[model: params.preset, preset: params.preset]]
    }

    /** The name of a training set's dataset, of all folds or of one of a rotation. */
    static String dataset(String set, Integer fold) { fold ? "${set}.f${fold}" : set }

    private static String name(Map row, String track, int replicate, Integer fold) {
        String number = replicates(row) > 1 ? "r${replicate}" : null
        return [row.model, track, number, fold ? "f${fold}" : null].findAll().join('.')
    }

    private static int replicates(Map row) { (row.replicates ?: 1) as int }

    /**
     * The genome and its indexes, where scores made elsewhere are looked up: they may write an insertion or deletion at
     * another place of a repeat than a benchmark's table. Ours are scored as the tables write them.
     */
    static List lookupGenome(Map study) {
        boolean elsewhere = study.models && Sheets.rows('models', study.models).any { row -> row.scores }
        return elsewhere ? study.genome : []
    }
}
