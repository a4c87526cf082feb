"""Tables of variants as their authors wrote them: which column is which, by name or by the user, and their readers.

Every reader gives chrom, pos (1-based), ref and alt in front, whatever the file calls them. Layouts that are read as
they are: docs/usage.md, "Tables of variants".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import NA
from accessiflow.log import left_out, log
from accessiflow.variants.dapg import read_dapg
from accessiflow.variants.tables import KEY, NO_VALUE, TextTable, counts_of, numbers_of, read_text

if TYPE_CHECKING:
    import pandas as pd

COUNTS = ["ref_count", "alt_count"]
MAPPABILITY, UNIQUE = "mappability", "unique"
ROUNDING = 1e-6  # a sum of probabilities may pass 1 by that much

# The names that published tables give these columns, matched whole and whatever their case. The first pattern that
# names of the table match counts; where several match it, the user is asked (a name that is the field's own wins).
_BUILD = r"(_?(hg|grch)\d+)?"
NAMES = {
    "chrom": (rf"#?(chr|chrom|chromosome|contig|variantchrom){_BUILD}",),
    "pos": (rf"(pos|position|bp|base_pair_location|variantposition){_BUILD}",),
    "ref": (r"ref|ref_?allele|reference|reference_?allele|variantref", r"allele_?1"),
    "alt": (r"alt|alt_?allele|alternate|alternat(iv)?e_?allele|variantalt", r"allele_?2"),
    "effect_allele": (r"effect_?allele|ea|tested_?allele|assessed_?allele", "a1"),
    "other_allele": (r"other_?allele|non_?effect_?allele|oa|nea", "a2"),
    "variant": (rf"((hg|grch)\d+_)?variant(_?id)?{_BUILD}", "eqtl"),
    "id": (r"rs_?ids?|snp|snp_?id",),
    "start": (r"(chrom_?)?start",),
    "end": (r"(chrom_?)?end",),
    "beta": (r"beta|slope|effect|effect_?size", "beta_marginal", "posterior_mean", "beta_posterior"),
    "p": (r"p|p_?val|p_?value", r"p(_?val(ue)?)?_?nominal|nominal_?p(_?val(ue)?)?"),
    "pip": (
        *("pip", r"(variable|variant|snp)_?(prob|pip)", r"prob|probability|cpp"),
        r"(causal_?)?post(erior)?[._]*(inclusion_?)?prob(ability)?\.?",
    ),
    "gene": ("gene", r"(ensembl_?)?gene_?id", r"gene_?name", r"phenotype_?id", "molecular_trait_id"),
    "maf": (r"maf|minor_?allele_?freq(uency)?",),
    "frequency": (r"af|eaf|(alt|effect)_?(allele_?)?freq(uency)?",),
    "tissue": (r"tissue(_?id)?", r"tissue_?site_?detail(_?id)?", "qtl_group"),
    "sample": (r"sample(_?id)?", r"(subject|individual|donor)(_?id)?"),
    "ref_count": (r"ref_?(count|reads|depth)",),
    "alt_count": (r"alt_?(count|reads|depth)",),
    "value": (r"value|effect|effect_?size|log2_?fc|skew|\w*normalized_variant_effect",),
    "element": (r"element|target|region|locus|our_gene_name",),
}
# Fields that help where exactly one column is meant: of several names none is taken.
_HELPFUL = ("variant", "id", "start", "end", "effect_allele", "other_allele", "frequency", "tissue", "sample")
_PLACE = (*KEY, "variant", "id", "start", "end", "effect_allele", "other_allele")
# Columns of GTEx's tables of allelic counts: a 1 says that the reads of the site are not to be relied on.
FLAGS = ("low_mapability", "low_mappability", "mapping_bias_sim", "genotype_warning")
_SET = ("1", "true")
_SEQUENCE = r"[ACGT]+|-"
_VARIANT = r"\s*([^\s:]+?)[:_](\d+)[\s:_]+([A-Za-z*-]+)[/:_>]([A-Za-z*-]+)(?:_\w+)?\s*$"
_HYPHENS = r"\s*(\S+?)-(\d+)-([A-Za-z*]+)-([A-Za-z*]+)\s*$"  # gnomAD's names


def read_variants(
    path: Path, integers: Sequence[str] = (), numbers: Sequence[str] = (), optional: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table of variants in file order: chrom, pos (1-based), ref, alt (upper case) and its other columns.

    Recognised columns get the names of NAMES, others keep theirs (texts, missing values NaN).

    Args:
        path: The table.
        integers: Further columns of integers of at least 0, which must be there.
        numbers: Further columns of finite numbers, which must be there.
        optional: Columns of numbers that are checked where they are there (a missing value is NaN).

    Raises:
        InputError: A column is missing, or a value is none of its kind (with its line).
    """
    return _read(read_text(path), integers, numbers, optional)[1]


def read_fine_mapped(path: Path, tissue: str = "", *, beta: bool = False) -> pd.DataFrame:
    """Read fine-mapped variants, and pip, beta, maf and gene where the file has them.

    beta is the effect of alt: it is turned where the table names another effect allele.

    Args:
        path: The table.
        tissue: Of a table of several tissues, whose rows are read.
        beta: Whether beta must be there.

    Raises:
        InputError: As read_variants; a pip is no probability; the table holds several tissues, and not this one.
    """
    raw = _of_tissue(read_dapg(path, tissue) or read_text(path), tissue)
    raw, table = _read(raw, numbers=["beta"] if beta else [], optional=["pip", "beta", "maf", "frequency"])
    if "pip" in table.columns:
        pip = table["pip"].to_numpy(np.float64)
        good = np.isnan(pip) | ((pip >= -ROUNDING) & (pip <= 1 + ROUNDING))
        raw.require(good, table["pip"], "pip must lie between 0 and 1")
    if "frequency" in table.columns and "maf" not in table.columns:
        share = table["frequency"].to_numpy(np.float64)
        table["maf"] = np.minimum(share, 1 - share)
    return _effects_of_alt(table, path)


def read_allele_counts(path: Path) -> pd.DataFrame:
    """Read allelic counts: ref_count, alt_count, and mappability where the table has it, or flags as GTEx's tables do.

    Rows without counts are left out, and rows that a table of samples gives twice of one; a warning counts both.

    Raises:
        InputError: As read_variants, or no row has counts.
    """
    raw = read_text(path)
    blank = np.zeros(len(raw.rows), bool)
    for name in _columns_of(raw, COUNTS, {}).values():
        blank |= raw.rows[name].str.strip().isin(NO_VALUE).to_numpy()
    if blank.all():
        raise InputError("has no row with counts", path)
    left_out("rows", int(blank.sum()), len(blank), "no counts", source=path.name)
    if blank.any():
        log.warning("%s: %d of %d rows have no counts: left out", path, int(blank.sum()), len(blank))
    return _once_a_sample(_flagged(_read(raw.keep(~blank), integers=COUNTS)[1]), path)


def read_effects(path: Path, numbers: Sequence[str], optional: Sequence[str], given: Mapping[str, str]) -> pd.DataFrame:
    """Read a table of measured effects as chrom, pos, ref, alt and the fields asked for, in the order of the file.

    Args:
        path: The table.
        numbers: Fields of numbers that must be there (a value may be missing: NaN).
        optional: Fields that may be there ("element" is text, the others numbers).
        given: Field -> column, where the names do not say which it is.

    Raises:
        InputError: A field has no column or several, or a value is none of its kind (with its line).
    """
    raw = read_text(path)
    columns = _columns_of(raw, [*_PLACE, *numbers, *optional], given)

    def lacking(fields: Sequence[str]) -> InputError:
        found = ", ".join(raw.rows.columns[:12])
        return InputError(
            f"has no column for {', '.join(fields)} (found: {found}): say which with --columns {fields[0]}=NAME", path
        )

    if any(field not in columns for field in numbers):
        raise lacking([field for field in numbers if field not in columns])
    raw, out = _keys(raw, columns, lacking)
    # values are checked one column at a time, so that a message names the column as the file does
    for field in (*numbers, *(f for f in optional if f in columns)):
        values = raw.rows[columns[field]].str.strip()
        text = field == "element"
        out[field] = values.where(values != "", NA) if text else numbers_of(raw, columns[field], missing=True)
    return _effects_of_alt(out, path)[[*KEY, *(field for field in (*numbers, *optional) if field in out.columns)]]


def parse_columns(text: str) -> dict[str, str]:
    """Field -> column name of `chrom=chrom_hg18,pos=pos_hg18`.

    Raises:
        InputError: An item is no field=column, or its field is unknown.
    """
    out: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (part.strip() for part in item.partition("="))
        if not equals or not column or field not in NAMES:
            raise InputError(f"--columns {item[:60]}: expected FIELD=COLUMN with a field of {', '.join(NAMES)}")
        out[field] = column
    return out


def _read(
    raw: TextTable, integers: Sequence[str] = (), numbers: Sequence[str] = (), optional: Sequence[str] = ()
) -> tuple[TextTable, pd.DataFrame]:
    fields = list(dict.fromkeys([*integers, *numbers, *optional, "gene", "tissue", "sample"]))
    columns = _columns_of(raw, [*_PLACE, *fields], {})
    missing = [field for field in (*integers, *numbers) if field not in columns]

    def lacking(keys: Sequence[str]) -> InputError:
        found = ", ".join(raw.rows.columns[:12])
        return InputError(f"lacks the column(s) {', '.join([*keys, *missing])} (found: {found})", raw.path)

    raw, out = _keys(raw, columns, lacking)
    if missing:
        raise lacking([])
    for field in (f for f in fields if f in columns):
        if field in integers:
            out[field] = counts_of(raw, columns[field])
        elif field in (*numbers, *optional):
            out[field] = numbers_of(raw, columns[field], missing=field not in numbers)
    renamed = {columns[field]: field for field in fields if field in columns}
    for name in raw.rows.columns:
        field = renamed.get(name, name)
        if field not in out.columns:
            values = raw.rows[name].str.strip()
            out[field] = values.mask(values.isin(NO_VALUE))
    return raw, out


def _columns_of(raw: TextTable, fields: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Field -> column: as given, else the one whose name says so."""
    header = list(raw.rows.columns)
    unknown = [column for column in given.values() if column not in header]
    if unknown:
        raise InputError(f"has no column {unknown[0][:60]} (found: {', '.join(header[:12])})", raw.path)
    found = dict(given)
    for field in (name for name in fields if name not in given):
        names = matching_columns(header, field)
        if len(names) == 1:
            found[field] = names[0]
        elif names and field not in _HELPFUL:
            raise InputError(
                f"has several columns that may be {field} ({', '.join(names)}): say which with --columns {field}=NAME "
                "where the command has it, else name one of them otherwise",
                raw.path,
            )
    return found


def matching_columns(header: Sequence[str], field: str) -> list[str]:
    """The columns that may be a field.

    Those whose name is the field's own, else all that match the first pattern that any of them matches.
    """
    own = [name for name in header if name.lower() == field]
    if own:
        return own
    for pattern in NAMES.get(field, ()):
        names = [name for name in header if re.fullmatch(pattern, name, re.IGNORECASE)]
        if names:
            return names
    return []


def _keys(
    raw: TextTable, columns: Mapping[str, str], lacking: Callable[[Sequence[str]], InputError]
) -> tuple[TextTable, pd.DataFrame]:
    """The rows whose alleles are sequences; their chrom, pos, ref, alt, and effect_allele where the table has it.

    They are in four columns; with an effect and another allele for alt and ref; in one column that names the whole
    variant; or with start and end for pos.
    """
    import pandas as pd

    columns = dict(columns)
    ends = not {"ref", "alt"} <= set(columns) and {"effect_allele", "other_allele"} <= set(columns)
    if ends:
        columns |= {"alt": columns["effect_allele"], "ref": columns["other_allele"]}
    missing = [field for field in KEY if field not in columns]
    source = columns.get("variant", columns.get("id"))
    if missing == ["pos"] and {"start", "end"} <= set(columns):
        raw = raw._replace(rows=raw.rows.assign(pos=_positions(raw, columns)))
        columns["pos"] = "pos"
    elif missing and source is not None:
        raw = raw._replace(rows=raw.rows.assign(**_parsed(raw, source, missing)))
        columns |= {field: field for field in KEY}
    elif missing:
        raise lacking(missing)
    _warn_of_sides(columns, ends, raw.path)
    table = pd.DataFrame({field: raw.rows[columns[field]].str.strip() for field in KEY})
    for field in KEY:
        blank = table[field].isin(NO_VALUE).to_numpy()
        if blank.any():
            raise InputError(f"has no value in column {columns[field]}", raw.path, int(raw.lines[blank.argmax()]))
    pos = counts_of(raw, columns["pos"])
    raw.require(pos >= 1, table["pos"], "pos must be at least 1 (1-based)")
    table = table.assign(pos=pos, ref=table["ref"].str.upper(), alt=table["alt"].str.upper())
    if "effect_allele" in columns:
        table["effect_allele"] = raw.rows[columns["effect_allele"]].str.strip().str.upper()
    return _sequences(raw, table)


def _parsed(raw: TextTable, column: str, missing: Sequence[str]) -> dict[str, pd.Series]:
    """chrom, pos, ref and alt of a column that names whole variants.

    Raises:
        InputError: It names none where a field is missing otherwise: rs numbers, or places without alleles.
    """
    texts = raw.rows[column]
    found = texts.str.extract(_VARIANT)
    if found[0].isna().all():
        found = texts.str.extract(_HYPHENS)
    if found[0].isna().all():
        raise InputError(
            f"lacks the column(s) {', '.join(missing)}, and its column {column} ({str(texts.iloc[0])[:40]!r}) names no "
            "place with alleles such as chr1_123_A_G: take the file with alleles, or add the columns",
            raw.path,
        )
    what = f"column {column}: expected a variant such as chr1:123 A/G or chr1_123_A_G"
    raw.require(found[0].notna().to_numpy(), texts, what)
    return dict(zip(KEY, (found[i] for i in range(4)), strict=True))


def _sequences(raw: TextTable, table: pd.DataFrame) -> tuple[TextTable, pd.DataFrame]:
    """The rows whose alleles are sequences: <DEL>, *, N, I and D, or several alleles at once, have no score."""
    good = (
        table["ref"].str.fullmatch(_SEQUENCE) & table["alt"].str.fullmatch(_SEQUENCE) & (table["ref"] != table["alt"])
    )
    if good.all():
        return raw, table
    first = table[~good].iloc[0]
    what = f"REF or ALT is no sequence of A, C, G, T (the first: {first['chrom']}:{first['pos']} "
    what += f"{first['ref'][:20]}/{first['alt'][:20]})"
    if not good.any():
        raise InputError(f"has no variant that can be scored: in all {len(good)} rows {what}", raw.path)
    n = int((~good).sum())
    log.warning("%s: %d of %d rows are left out, whose %s", raw.path, n, len(good), what)
    left_out("rows", n, len(good), "REF or ALT is no sequence of A, C, G, T", source=raw.path.name)
    return raw.keep(good.to_numpy()), table[good].reset_index(drop=True)


def _warn_of_sides(columns: Mapping[str, str], ends: bool, path: Path) -> None:
    """Most tools write alleles so, but not all: the user should know which way effects were read."""
    if ends and columns["alt"].lower() == "a1":
        log.warning("%s: A1 is taken as the effect allele, A2 as the other one", path)
    elif "effect_allele" not in columns and re.fullmatch(r"allele_?2", columns["alt"], re.IGNORECASE):
        log.warning("%s: allele1 is taken as REF, allele2 as ALT, whose effect beta is", path)


def _positions(raw: TextTable, columns: Mapping[str, str]) -> pd.Series:
    """Texts of 1-based positions (n,) of a table with start and end: which count the bases of REF says."""
    start, end = (counts_of(raw, columns[name]) for name in ("start", "end"))
    width = raw.rows[columns["ref"]].str.strip().str.len().to_numpy()
    for first, counted in ((1, end - start), (0, end - start + 1)):  # BED's from 0, others from 1
        if (counted == width).all():
            return raw.rows[columns["start"]].map(lambda text, first=first: str(int(float(text)) + first))
    raise InputError(
        "has start and end but no pos, and end - start is neither the length of REF (BED, from 0) nor one less "
        "(from 1): give a column pos, counted from 1",
        raw.path,
    )


def _effects_of_alt(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Beta turned to the effect of alt where another allele is named the effect allele; NaN where it is neither."""
    if "beta" not in table.columns or "effect_allele" not in table.columns:
        return table
    effect = table["effect_allele"]
    neither = ~((effect == table["ref"]) | (effect == table["alt"]))
    left_out("effects", int(neither.sum()), len(table), "the effect allele is neither REF nor ALT", source=path.name)
    if neither.any():
        log.warning(
            "%s: in %d of %d rows the effect allele is neither REF nor ALT: their beta is left out",
            path, int(neither.sum()), len(table),
        )  # fmt: skip
    beta = table["beta"].where(effect == table["alt"], -table["beta"])
    return table.assign(beta=beta.mask(neither))


def _of_tissue(raw: TextTable, tissue: str) -> TextTable:
    """The rows of a tissue, of a table of several; a table of one is that tissue's whatever it calls it."""
    name = _columns_of(raw, ["tissue"], {}).get("tissue")
    if name is None:
        return raw
    values = raw.rows[name].str.strip()
    known = list(dict.fromkeys(values))
    if len(known) == 1:
        return raw
    if not tissue:
        log.warning("%s: the rows of %d tissues are taken together: name one of them", raw.path, len(known))
        return raw
    chosen = (values == tissue).to_numpy()
    if not chosen.any():
        raise InputError(
            f"holds {len(known)} tissues in column {name} ({', '.join(known[:5])}...), none of them {tissue}: "
            "call the tissue as the table does, or give it a table of its own",
            raw.path,
        )
    others = int((~chosen).sum())
    left_out("rows", others, len(chosen), "of other tissues", source=raw.path.name, expected=True)
    log.info("%s: %d of %d rows are of %s", raw.path, int(chosen.sum()), len(chosen), tissue)
    return raw.keep(chosen)


def _flagged(table: pd.DataFrame) -> pd.DataFrame:
    """Add mappability where the table flags its sites instead: the first flag that is set."""
    flags = [name for name in table.columns if name.lower() in FLAGS]
    if MAPPABILITY in table.columns or not flags:
        return table
    out: NDArray[np.object_] = np.full(len(table), UNIQUE, dtype=object)
    for name in reversed(flags):
        out[table[name].astype(str).str.lower().isin(_SET).to_numpy()] = name.lower()
    return table.assign(**{MAPPABILITY: out})


def _once_a_sample(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Leave out what a table of samples repeats of one, as GTEx's does for a site of two genes."""
    if "tissue" in table.columns and table["tissue"].nunique() > 1:
        log.warning("%s: the reads of %d tissues are summed: give each a table", path, table["tissue"].nunique())
    if "sample" not in table.columns:
        return table
    same = [*KEY, "sample", *(["tissue"] if "tissue" in table.columns else []), *COUNTS]
    again = table.duplicated(same).to_numpy()
    left_out("rows", int(again.sum()), len(table), "repeat another of the same sample", source=path.name)
    if again.any():
        log.warning("%s: %d rows repeat another of the same sample: left out", path, int(again.sum()))
    return table[~again].reset_index(drop=True)
