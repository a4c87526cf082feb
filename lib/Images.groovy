/** Container names: a bare name lives in the registry of `--container_registry`, a name with a path is taken as it is. */
class Images {
    static String of(CharSequence image, CharSequence registry) {
        return (registry && !image.toString().contains('/')) ? "${registry}/${image}" : image.toString()
    }
}
