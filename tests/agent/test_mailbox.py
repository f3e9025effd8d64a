"""Calls of other threads: queued while the loop runs, refused when it does not, never left waiting."""

import threading

import pytest

from osbrain._agent.mailbox import Mailbox
from osbrain._io.poller import wait_readable
from osbrain.errors import NotRunning, WaitTimeout

LIMIT = 5


@pytest.fixture
def mailbox():
    made = Mailbox('a0')
    made.open()
    return made


def work(mailbox, **options):
    """Do one job, as the loop does."""
    job = mailbox.next_job(**options)
    if job is not None:
        job.finish(job.action())
    return job


def test_a_job_gets_its_result_from_another_thread(mailbox):
    job = mailbox.submit(lambda: 42)
    worker = threading.Thread(target=work, args=(mailbox,))
    worker.start()
    assert job.wait(LIMIT) == 42
    worker.join()


def test_a_job_raises_what_it_was_finished_with(mailbox):
    job = mailbox.submit(lambda: None)
    mailbox.next_job().finish(error=LookupError('why'))
    with pytest.raises(LookupError, match='why'):
        job.wait(LIMIT)


def test_a_wait_for_a_job_has_a_limit(mailbox):
    job = mailbox.submit(lambda: 1)
    with pytest.raises(WaitTimeout, match='did not get round to the call'):
        job.wait(0.01)
    work(mailbox)
    assert job.wait(0) == 1


def test_jobs_come_out_in_the_order_in_which_they_came(mailbox):
    jobs = [mailbox.submit(lambda: None) for _ in range(3)]
    assert len(mailbox) == 3
    assert [mailbox.next_job() for _ in range(4)] == [*jobs, None]
    assert len(mailbox) == 0


def test_urgent_jobs_can_be_taken_out_before_the_others(mailbox):
    patient = mailbox.submit(lambda: None)
    urgent = mailbox.submit(lambda: None, urgent=True)
    assert mailbox.next_job(urgent=True) is urgent
    assert mailbox.next_job(urgent=True) is None
    assert mailbox.next_job() is patient


def test_a_mailbox_takes_no_jobs_before_it_is_opened():
    with pytest.raises(NotRunning, match="Agent must be running to safely execute methods! Agent 'a0'"):
        Mailbox('a0').submit(lambda: None)


def test_closing_fails_every_job_that_waits_with_the_reason(mailbox):
    failures = []

    def wait(job):
        with pytest.raises(NotRunning) as caught:
            job.wait(LIMIT)
        failures.append(caught.value.reason)

    threads = [threading.Thread(target=wait, args=(mailbox.submit(lambda: None),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    mailbox.close('it crashed')
    for thread in threads:
        thread.join(LIMIT)
    assert failures == ['it crashed'] * 3
    assert len(mailbox) == 0


def test_what_is_submitted_after_closing_fails_with_the_reason(mailbox):
    mailbox.close('it crashed')
    with pytest.raises(NotRunning, match='it crashed') as caught:
        mailbox.submit(lambda: None)
    assert caught.value.reason == 'it crashed'
    mailbox.open()
    assert mailbox.submit(lambda: None)


def test_no_job_is_left_waiting_when_closing_races_with_submitting(mailbox):
    outcomes = []

    def submit():
        while True:
            try:
                job = mailbox.submit(lambda: None)
                with pytest.raises(NotRunning):
                    job.wait(LIMIT)
                outcomes.append('waited')
            except NotRunning:
                outcomes.append('refused')
                return

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    mailbox.close('end')
    for thread in threads:
        thread.join(LIMIT)
    assert outcomes.count('refused') == 4


def test_submitting_makes_the_bell_readable(mailbox):
    assert wait_readable([mailbox.bell.fd], 0) == []
    mailbox.submit(lambda: None)
    assert wait_readable([mailbox.bell.fd], 0) == [mailbox.bell.fd]
    mailbox.close(None)
    mailbox.open()
    assert wait_readable([mailbox.bell.fd], 0) == []


def test_an_agent_that_never_runs_has_no_bell():
    mailbox = Mailbox('a0')
    mailbox.ring()
    assert mailbox._bell is None


def test_a_withdrawn_job_is_not_done_and_withdrawing_again_is_no_error(mailbox):
    kept, withdrawn = mailbox.submit(lambda: None), mailbox.submit(lambda: None)
    mailbox.withdraw(withdrawn)
    mailbox.withdraw(withdrawn)
    assert mailbox.next_job() is kept
    mailbox.withdraw(kept)
    assert mailbox.next_job() is None


def test_the_mailbox_knows_who_waits_for_its_jobs(mailbox):
    mailbox.submit(lambda: None, waiting=('a', 'b'))
    mailbox.submit(lambda: None)
    mailbox.submit(lambda: None, waiting=('c',))
    assert mailbox.waiting() == ('a', 'b', 'c')
    work(mailbox)
    assert mailbox.waiting() == ('c',)
