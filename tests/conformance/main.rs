//! What a ledger has to do whatever database lies under it: one suite, which runs over every kind that there is. A new
//! kind is one line of `suite!` and a [`Kind`].

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod history;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod money;

#[cfg(test)]
use fixture::{InMemory, Kind, OnDisk};

/// Every test of the suite over one kind.
macro_rules! suite {
    ($name:ident, $kind:ident: $($module:ident::$test:ident),+ $(,)?) => {
        #[cfg(test)]
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$module::$test(<super::$kind as super::Kind>::fresh());
                }
            )+
        }
    };
}

macro_rules! over {
    ($($name:ident: $kind:ident),+ $(,)?) => {
        $(
            suite!($name, $kind:
                money::a_row_is_placed_once_and_told_from_a_changed_one,
                money::a_file_that_comes_again_makes_a_version_of_its_new_rows,
                money::a_permit_is_minted_only_for_what_was_approved,
                money::a_permit_is_minted_once,
                money::what_one_command_may_not_do_is_not_written,
                money::a_number_is_minted_once_and_stays,
                money::a_payout_of_another_batch_is_held_against_a_plan_and_a_retry,
                money::a_second_writer_stops_the_first,
                history::the_same_operations_give_the_same_end_of_the_chain,
                history::an_edit_is_found,
                history::a_snapshot_shows_every_payout_and_what_decided_it,
                history::a_purge_leaves_nobody_and_holds_together,
                history::one_command_at_a_time_has_the_lease,
                looks::a_file_in_another_order_beside_other_batches_finds_its_rows,
                looks::a_member_under_another_key_and_a_skipped_row_are_told,
                looks::what_a_person_names_is_found_with_its_numbers,
                looks::a_statement_lies_beside_the_payouts_that_it_names,
                looks::a_run_that_ended_has_ended_whatever_people_do_afterwards,
                looks::what_something_was_sent_from_stays_bound,
                looks::what_nothing_was_sent_from_is_bound_elsewhere_with_new_numbers,
            );
        )+
    };
}

over! { sqlite_on_disk: OnDisk, sqlite_in_memory: InMemory }
