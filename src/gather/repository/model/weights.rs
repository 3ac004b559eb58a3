//! Weights that are kept in the repository itself: the file is the model, and its digest the only name that everybody can check.

use super::lfs;
use crate::catalogue::{are_weights, is_ending_of_weights};
use crate::digest::Digest;
use crate::gather::repository::{Format, Place, Reading, Source};

/// The largest file that is digested, in bytes. It is held in memory, and the large hosts of repositories take none of 100 MB.
const LARGEST: u64 = 128 << 20;

/// This format. A file of such a name may be anything, so one that is a link or too large is no oddity here.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("weights", matches, read) };

fn matches(place: &Place<'_>) -> bool {
    // Code that is loaded with weights is read on machines, beside the weights; here it is source code like any other.
    is_ending_of_weights(place.ending()) && place.ending() != "py"
}

fn read(source: &Source<'_>) -> Reading {
    if source.bytes.is_empty() || lfs::is_pointer(source.bytes) {
        return Reading::default();
    }
    let are_weights = are_weights(source.path, Some(source.bytes));
    // Digesting is what costs: a file that no catalogue can know is digested only if it is one.
    let size = u64::try_from(source.bytes.len()).unwrap_or(u64::MAX);
    if !are_weights && !source.catalogue.may_refuse_model_file(size) && !source.catalogue.knows_size(size) {
        return Reading::default();
    }
    let mention = super::mention(source, Digest::sha256_of(source.bytes), None, are_weights);
    Reading { mentions: mention.into_iter().collect(), ..Reading::default() }
}
