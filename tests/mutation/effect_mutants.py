"""Defects of what acts: the vault, admission, the live call, what is settled late, the writer's batch and upkeep."""

from tests.mutation.mutant import Mutant

VAULT, IN_VAULT = "adapters/vault.py", "tests/adapters/test_vault.py"
ADMISSION = "entrypoints/usecases/call/admission.py"
ATTEMPTS, RELAY = "entrypoints/usecases/call/attempts.py", "entrypoints/usecases/call/relay.py"
SETTLE, IN_DEADLINE = "entrypoints/usecases/call/settle.py", "tests/system/test_deadline.py"
UNSETTLED, IN_UNSETTLED = "entrypoints/usecases/call/unsettled.py", "tests/system/test_unsettled.py"
WORKING_SET = "adapters/storage/working_set.py"
BATCH, IN_BATCH = "adapters/storage/sqlite/batch.py", "tests/adapters/test_sqlite_batch.py"
UPKEEP, IN_UPKEEP = "entrypoints/usecases/manage/maintenance.py", "tests/entrypoints/test_sweep.py"
IN_CONTRACT, IN_PROCESSES = "tests/adapters/test_storage_contract.py", "tests/adapters/test_sqlite_processes.py"
IN_LIFETIME = "tests/entrypoints/test_background_tasks.py"
IN_EVENTS = "tests/system/test_call_events.py"
IN_ADMISSION = "tests/system/test_admission.py"

# fmt: off
MUTANTS = (
    Mutant("one label for two derived keys", VAULT,
           '_derive(key, b"aihub seal")', "_derive(key, _FINGERPRINTS)", (IN_VAULT,)),
    Mutant("every secret is sealed under one nonce", VAULT,
           "nonce = os.urandom(_NONCE_BYTES)", "nonce = bytes(_NONCE_BYTES)", (IN_VAULT,)),
    Mutant("a group may read the master key", "adapters/master_keys.py",
           "if mode & 0o077:", "if mode & 0o007:", (IN_VAULT,)),
    Mutant("a fingerprint depends on those before it", VAULT,
           "keyed = self._fingerprints.copy()", "keyed = self._fingerprints", (IN_VAULT,)),

    Mutant("calls are admitted while too many wait to be settled", ADMISSION,
           "if context.unsettled.is_full:", "if False:",
           (f"{IN_UNSETTLED}::test_no_new_call_is_admitted_while_too_many_wait_to_be_settled",)),
    Mutant("a revoked key learns which models there are", ADMISSION,
           "return await refusal_to(context, ask.fingerprint, found)", "return found", (IN_ADMISSION,)),
    Mutant("a refusal rests on a catalogue of before", ADMISSION,
           "if newer.version == catalog.version:", "if newer.version >= catalog.version:", (IN_ADMISSION,)),
    Mutant("a duplicate waits for the dead for ever", ADMISSION,
           "            await sweep_own(context)", "            pass", (IN_ADMISSION,)),
    Mutant("a hang-up interrupts the hold of a stream", ADMISSION,
           "if call.stream else decision", "if not call.stream else decision", (IN_ADMISSION,)),

    Mutant("an answer whose call was swept is given out", SETTLE,
           'return ending != "completed" or is_ours or not self.settled.already', "return True",
           (f"{IN_DEADLINE}::test_an_answer_whose_call_was_ended_by_another_process_is_not_given_out_as_paid",)),
    Mutant("an answer that was not given out is charged", SETTLE,
           "self._answer_is_withheld = True", "pass",
           (f"{IN_UNSETTLED}::test_a_whole_answer_that_cannot_be_settled_is_not_given_and_not_charged",)),
    Mutant("a call that could not be settled is forgotten", SETTLE,
           "context.unsettled.keep(context.storage, outcome, context.clock.now_ms(), late)", "pass",
           (f"{IN_UNSETTLED}::test_a_stream_that_cannot_be_settled_ends_in_an_error_and_costs_what_was_delivered",)),
    Mutant("no provider is ever known to have accepted a call", ATTEMPTS,
           "        self.served = entry\n", "        self.served = None\n",
           (f"{IN_DEADLINE}::test_a_caller_who_takes_nothing_at_the_deadline_pays_for_what_was_given",)),
    Mutant("a deadline's cancellation reaches the caller", RELAY,
           "if not deadline.has_cancelled(task):", "if deadline.passed:",
           (f"{IN_DEADLINE}::test_a_provider_that_is_silent_across_the_deadline_ends_with_it",)),
    Mutant("a call that is settled late is not reported", UNSETTLED,
           "ended.report(settlement)", "pass",
           (f"{IN_EVENTS}::test_a_call_that_is_settled_late_is_reported_once_it_is_settled",)),
    Mutant("no filter is run before the hold", ADMISSION,
           "if context.filters and", "if False and", ("tests/system/test_filters.py",)),
    Mutant("what the books refuse stands before what they take", UNSETTLED,
           "self._kept.move_to_end(call_id)", "pass",
           (f"{IN_UNSETTLED}::test_what_the_books_refuse_does_not_stand_before_what_they_take",)),
    Mutant("an error that nobody expected ends all late settlements", UNSETTLED,
           "except Exception as problem:", "except OSError as problem:",
           (f"{IN_UNSETTLED}::test_what_the_books_refuse_does_not_stand_before_what_they_take",)),

    Mutant("a transfer is written twice in one batch", WORKING_SET,
           "if kind in appended and key in rows:", "if False:", (f"{IN_CONTRACT}",)),
    Mutant("a hold stays in the books when its call has ended", BATCH,
           "HOLDS.remove(connection, [packed(call_id, CALL) for call_id in ended_calls(dirty)])", "ended_calls(dirty)",
           (IN_CONTRACT,)),
    Mutant("a hold that ended in its batch is written", WORKING_SET,
           "if holds.pop(call_id, None) is None]", "if call_id not in holds]", (IN_BATCH,)),
    Mutant("what another process committed is not seen", BATCH,
           "if self.copy is None or data_version != self._data_version:", "if self.copy is None:",
           (f"{IN_PROCESSES}::test_what_another_writer_commits_is_seen_by_the_very_next_decision",)),
    Mutant("one row that cannot be stored fails its whole batch", BATCH,
           "if len(operations) > 1 and not is_unavailable(error):", "if len(operations) < 1:", (IN_BATCH,)),
    Mutant("a key made in a batch shows half a caller", WORKING_SET,
           "operations = sorted(operations, key=lambda operation: copy.knows(operation.scope))", "pass", (IN_BATCH,)),
    Mutant("a disk that is full is not noticed", BATCH,
           "self.failing = is_unavailable(error)", "self.failing = False", (IN_BATCH,)),
    Mutant("a batch that failed stays in memory", BATCH,
           "        except BaseException:\n            self.copy = None\n", "        except BaseException:\n",
           (IN_BATCH,)),
    Mutant("a change of the catalogue has no version", BATCH,
           "if copy.books.version != version:", "if copy.books.version < version:", (IN_BATCH,)),

    Mutant("an error that nobody expected ends the sweep", UPKEEP,
           "except Exception as problem:", "except StorageError as problem:", (IN_LIFETIME,)),
    Mutant("a sweep ends the calls of its own process", UPKEEP,
           "owner == own and not is_running(call_id)", "owner == own", (IN_UPKEEP,)),
    Mutant("a clock ends the calls of the living", UPKEEP,
           "if gone is None),", "if not gone),", (IN_UPKEEP,)),
    Mutant("a sweep stops behind a batch of the living", UPKEEP,
           "if len(found.owners) < batch:", "if len(found.owners) <= batch:", (IN_UPKEEP,)),
    Mutant("a call that waits to be settled is swept", UPKEEP,
           "call_id in hub.running or call_id in hub.unsettled", "call_id in hub.running",
           (f"{IN_UNSETTLED}::test_a_call_that_waits_to_be_settled_is_not_swept",)),
)
# fmt: on
