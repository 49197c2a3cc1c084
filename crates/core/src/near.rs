//! The word of ours that a person most likely meant.

/// Letters and digits alone, small: `Retention Days` and `retention-days` are one word.
pub(crate) fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Slips of the fingers that a word of this length may have. A short word with two of them is another word.
fn slips_max(length: usize) -> usize {
    match length {
        0..=3 => 0,
        4..=8 => 1,
        _ => 2,
    }
}

/// That of `words` which `written` is nearest to, if it is near to any; of equals the first.
pub(crate) fn nearest<W: AsRef<str>>(written: &str, words: impl IntoIterator<Item = W>) -> Option<W> {
    let written = squeezed(written);
    let near = words.into_iter().filter_map(|word| Some((slips(&written, &squeezed(word.as_ref()))?, word)));
    near.min_by_key(|(slips, _)| *slips).map(|(_, word)| word)
}

/// The slips that lie between two words; none where there are too many.
fn slips(written: &str, meant: &str) -> Option<usize> {
    let length = meant.chars().count();
    let most = slips_max(length);
    // Texts of any length come here: most are not worth comparing letter by letter.
    if written.chars().count().abs_diff(length) > most {
        return None;
    }
    Some(strsim::damerau_levenshtein(written, meant)).filter(|slips| *slips <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_by_its_letters_and_a_short_one_may_have_fewer_slips() {
        let keys = ["Backup", "RetentionDays", "RetentionWeeks", "KeepForever"];
        for (written, meant) in [
            ("backup", Some("Backup")),
            ("Bakcup", Some("Backup")),
            ("RetentionDay", Some("RetentionDays")),
            ("Retention Weeks", Some("RetentionWeeks")),
            ("Keep-Forever", Some("KeepForever")),
            ("KepForevr", Some("KeepForever")),
            ("Pickup", None),
            ("Name", None),
            ("Retention", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, keys), meant, "{written}");
        }
    }
}
