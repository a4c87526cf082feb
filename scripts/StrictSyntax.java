// Nextflow's strict parser over scripts and configurations, as `nextflow lint` runs it: file:line:column: message, and
// exit status 1 if there is any error. scripts/lint_nextflow.sh brings the jars (nf-lang) and calls it.
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nextflow.config.control.ConfigParser;
import nextflow.script.control.ScriptParser;
import org.codehaus.groovy.control.SourceUnit;
import org.codehaus.groovy.control.messages.Message;
import org.codehaus.groovy.control.messages.SyntaxErrorMessage;
import org.codehaus.groovy.control.messages.WarningMessage;
import org.codehaus.groovy.syntax.SyntaxException;

public class StrictSyntax {
    private static final Pattern UNDEFINED = Pattern.compile("`(\\w+)` is not defined");

    public static void main(String[] names) throws Exception {
        ScriptParser scripts = new ScriptParser();
        ConfigParser configs = new ConfigParser();
        List<SourceUnit> units = new ArrayList<>();
        for (String name : names) {
            File file = new File(name);
            units.add(name.endsWith(".config") ? configs.parse(file) : scripts.parse(file));
        }
        scripts.analyze();
        configs.analyze();
        int errors = 0;
        for (SourceUnit unit : units) errors += report(unit);
        System.out.println(errors + " errors in " + names.length + " files");
        System.exit(errors == 0 ? 0 : 1);
    }

    private static int report(SourceUnit unit) {
        int errors = 0;
        List<? extends Message> found = unit.getErrorCollector().getErrors();
        for (Message message : found == null ? List.<Message>of() : found) {
            if (message instanceof SyntaxErrorMessage) {
                SyntaxException cause = ((SyntaxErrorMessage) message).getCause();
                if (knownAsItRuns(unit, cause.getOriginalMessage())) continue;
                print(unit, cause.getStartLine(), cause.getStartColumn(), cause.getOriginalMessage());
            } else System.out.println(unit.getName() + ": " + message);
            errors++;
        }
        List<WarningMessage> warnings = unit.getErrorCollector().getWarnings();
        for (WarningMessage warning : warnings == null ? List.<WarningMessage>of() : warnings)
            print(unit, warning.getContext().getStartLine(), warning.getContext().getStartColumn(),
                "warning: " + warning.getMessage());
        return errors;
    }

    // Variables of a configuration's closures are known only as tasks run; classes in lib/ are compiled by Nextflow.
    private static boolean knownAsItRuns(SourceUnit unit, String message) {
        Matcher name = UNDEFINED.matcher(message);
        if (!name.matches()) return false;
        return unit.getName().endsWith(".config") || new File("lib", name.group(1) + ".groovy").exists();
    }

    private static void print(SourceUnit unit, int line, int column, String message) {
        System.out.println(unit.getName() + ":" + line + ":" + column + ": " + message);
    }
}
