"""What purchasing leaves to the worker: orders go to suppliers by e-mail."""

from perpetua.kit.jobs import Blueprint, JobContext, RetryStrategy, database_of
from perpetua.kit.mail import office_of
from perpetua.purchasing import service

__all__ = ["jobs"]

jobs = Blueprint()


@jobs.task(name="send", pass_context=True, retry=RetryStrategy(max_attempts=6, exponential_wait=4))
async def send(context: JobContext, send_id: int) -> None:
    """Send one order; where no mail server takes it, again for about an hour and a half."""
    await service.deliver(database_of(context), send_id, office_of(context))
