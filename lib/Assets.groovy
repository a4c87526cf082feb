import groovy.json.JsonSlurper

/** The rules and lists in assets/, which the Python library reads too: each is read once a run. */
class Assets {
    private static final Map<String, Map> READ = [:].asSynchronized()

    static Map json(String name) {
        return READ.computeIfAbsent(name) { file ->
            new JsonSlurper().parseText(CodeId.BIN.resolveSibling("assets/${file}.json").getText('UTF-8')) as Map
        }
    }
}
