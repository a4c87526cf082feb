import java.util.regex.Pattern

/**
 * What a value of a sheet may be. Every rule is data, in assets/sheets.json, which bin/accessiflow/sheets.py reads too:
 * neither has one of its own. No sentence repeats a value: it may carry a login.
 */
class SheetRules {
    static Map rules() { Assets.json('sheets') }

    /** The columns of a sheet: name -> kind of value, required, choices, ... */
    static Map<String, Map> columns(String sheet) { rules().sheets[sheet].columns as Map<String, Map> }

    /** Columns whose values are of these kinds. */
    static List<String> columns(String sheet, List<String> kinds) {
        return columns(sheet).findAll { name, column -> column.kind in kinds }.keySet().toList()
    }

    /** What keeps a value out of a column, nothing if it fits. `stated`: the row says what a path's suffix would. */
    static String fault(Map column, String value, boolean stated) {
        String kind = column.kind
        if( !value ) return column.required ? 'has no value' : ''
        if( kind in ['path', 'prefix'] ) return pathFault(column, value) ?: unknownSuffix(column, value, stated)
        List<String> choices = choices(column)
        if( choices ) return value in choices ? '' : "is not one of ${choices.join(', ')}"
        boolean number = kind in ['number', 'integer']
        if( !matches(kind, value) ) return "is not a ${number ? 'number' : kind}: ${rules()[kind].says}"
        boolean reserved = kind == 'name' && value.toLowerCase(Locale.ROOT) in rules().name.reserved
        if( reserved ) return rules().name.reserved_says
        if( value in column.reserved ) return "is a word of the pipeline's own: choose another name"
        return number ? numberFault(column, Double.parseDouble(value)) : ''
    }

    private static String numberFault(Map column, double number) {
        if( Double.isInfinite(number) ) return 'is not a number: it is too large'
        if( column.minimum != null && number < (column.minimum as double) ) return "is less than ${column.minimum}"
        return column.above != null && number <= (column.above as double) ? "is not above ${column.above}" : ''
    }

    /** The same of a path's or a prefix's characters alone: whether it may be brought to a task. */
    static String pathFault(Map column, String value) {
        boolean fits = column.kind == 'path' || matches('prefix', value)
        return fault(value) ?: (fits ? '' : "is no prefix of files: ${rules().prefix.says}")
    }

    /** What keeps a path or URI from being used, nothing if it can be. (sheets.py: path_fault) */
    static String fault(String value) {
        Map rule = rules().path
        int end = value.indexOf('://')
        if( end >= 0 && !(value.substring(0, end) in rule.schemes) ) {
            return "the address has an unknown scheme (known: ${rule.schemes.join(', ')})"
        }
        if( secret(value) ) return secret(value)
        if( found(rule.forbidden, value) || found(rule.part_start, value) ) {
            return 'a path holds a character that no path may (a quote, $, ;, *, ...), ' +
                'or a part of it begins with - or ~: rename the file or folder'
        }
        boolean wide = value.split('/').any { it.getBytes('UTF-8').length > rule.longest_part_bytes }
        return wide || value.codePointCount(0, value.length()) > rule.longest ? 'a path is too long' : ''
    }

    /** Says of an address that carries a login or a signature what to do. */
    static String secret(String value) {
        Map rule = rules().path
        boolean login = Pattern.compile(rule.login as String).matcher(value).lookingAt()
        if( login ) return "the address carries a login: keep it in the environment or in Nextflow's configuration"
        boolean query = value.contains('://') && value.contains(rule.query as CharSequence)
        if( !query ) return ''
        return "the address has a query, which may be a signature: fetch the file, or log in by " +
            "Nextflow's configuration"
    }

    /** The kind of a signal file by its suffix; null if it has none that is known. */
    static String signalKind(String name) {
        String lower = name.toLowerCase(Locale.ROOT)
        Map<String, List<String>> signals = rules().signals
        return signals.find { kind, suffixes -> suffixes.any { lower.endsWith(it) } }?.key
    }

    private static String unknownSuffix(Map column, String value, boolean stated) {
        if( !column.suffix_unless || stated || signalKind(value) ) return ''
        String known = rules().signals.values().flatten().join(', ')
        return "has no known suffix (${known}): state its kind in the column `${column.suffix_unless}`"
    }

    /** The values of a choice; in the rules, the name of a part whose keys they are stands for them. */
    private static List<String> choices(Map column) {
        if( column.kind == 'boolean' ) return rules().boolean.choices
        return column.choices instanceof CharSequence ? rules()[column.choices].keySet().toList() : column.choices
    }

    private static boolean matches(String kind, String value) { value ==~ (rules()[kind].pattern as String) }

    private static boolean found(pattern, String value) { Pattern.compile(pattern as String).matcher(value).find() }
}
