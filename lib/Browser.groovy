import java.nio.file.Path

/** The tracks of the genome-browser session: where they are, as seen from the results folder. */
class Browser {
    private static final List<String> KINDS = ['measured', 'predicted', 'peaks']

    /**
     * One track of the session.
     *
     * @param track its name in the tracks sheet, by which the session is sorted
     * @param kind measured, predicted or peaks
     * @param model whose prediction it is
     * @param place where it is, as the session names it
     */
    static Map entry(String track, String kind, String place, String model = '') {
        return [track: track, kind: kind, model: model, place: place]
    }

    /** A file that the results hold not: its path from the results folder, or its address on another file system. */
    static String from(Path outdir, Path file) {
        if( file.fileSystem != outdir.fileSystem ) return file.toUri().toString()
        return outdir.toAbsolutePath().normalize().relativize(file.toAbsolutePath().normalize()).toString()
    }

    /** The tracks as arguments of `report.py igv`: NAME=PLACE, quoted for the shell, a track's own side by side. */
    static List<String> arguments(Collection<Map> entries) {
        List<Map> sorted = entries.sort(false) { a, b ->
            a.track <=> b.track ?: KINDS.indexOf(a.kind) <=> KINDS.indexOf(b.kind) ?: a.model <=> b.model
        }
        return sorted.collect { quoted("${[it.model, it.track, it.kind].findAll().join(' ')}=${it.place}") }
    }

    /** A text as one word of a shell's command. */
    static String quoted(String text) { "'" + text.replace("'", "'\\''") + "'" }
}
