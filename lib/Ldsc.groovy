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
}
