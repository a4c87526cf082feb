/** Repeated measurements of the tracks sheet: replicates and donors, some of them measured for a ceiling alone. */
class Experiments {
    /** The rows that are tracks of the models. */
    static List<Map> modelled(sheet) { Sheets.rows('tracks', sheet).findAll { !ceiling(it) } }

    /** The rows that are measured at the test windows only (column `use`). */
    static List<Map> further(sheet) { Sheets.rows('tracks', sheet).findAll { ceiling(it) } }

    /** Whether a sheet labels replicates, so that one may be the other's ceiling. */
    static boolean replicates(sheet) { Sheets.rows('tracks', sheet).any { it.replicate } }

    /** Whether a sheet names two donors or more, who can be compared. */
    static boolean donors(sheet) { Sheets.rows('tracks', sheet)*.donor.findAll().unique().size() > 1 }

    private static boolean ceiling(Map row) { row.use == 'ceiling' }
}
