import groovy.json.JsonSlurper
import nextflow.Global
import nextflow.Session

/** The rules and lists in assets/, which the Python library reads too: each is read once a run. */
class Assets {
    private static final Map<String, Map> read = [:]

    static synchronized Map json(String name) {
        if( !read.containsKey(name) ) {
            String text = (Global.session as Session).baseDir.resolve("assets/${name}.json").getText('UTF-8')
            read[name] = new JsonSlurper().parseText(text) as Map
        }
        return read[name]
    }
}
