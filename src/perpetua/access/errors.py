"""What access refuses."""

from perpetua.kit.errors import Conflict, InvalidValue, NotAllowed, Refusal, Unauthenticated

__all__ = [
    "BeyondOwnRights", "EmailTaken", "LastAdministrator", "OutOfScope", "PasswordChangeNeeded", "SecondFactorNeeded",
    "SecondFactorState", "SignInRefused", "TooManyAttempts", "WeakPassword", "WrongCode",
]  # fmt: skip


class OutOfScope(NotAllowed):
    """The place is not one of the actor's."""

    code = "out_of_scope"
    title = "Not one of your places"
    sentence = "You have no rights at {location}."
    remedy = "Ask an administrator to add the place to yours."


class BeyondOwnRights(NotAllowed):
    """Nobody grants, or takes charge of, rights that they do not have. Facts: permissions, or places."""

    code = "beyond_own_rights"
    title = "More than your own rights"
    sentence = "You do not have this yourself: {beyond}."
    remedy = "Ask somebody who has."


class SignInRefused(Unauthenticated):
    """The email, the password or the code is wrong, or the person is not active: it is not told which."""

    code = "sign_in_refused"
    title = "Not signed in"
    sentence = "The email, the password or the code is wrong."
    remedy = "Try again, or ask an administrator for a one-time password."


class SecondFactorNeeded(Unauthenticated):
    """The password was right; send it again with the code of the second factor."""

    code = "second_factor_needed"
    title = "A code is needed"
    sentence = "This account has a second factor."
    remedy = "Send the code of the authenticator app, or a recovery code, as `code`."


class PasswordChangeNeeded(Unauthenticated):
    """The one-time password was right; send it again with a new one."""

    code = "password_change_needed"
    title = "A new password is needed"
    sentence = "The password was given out for one sign-in."
    remedy = "Send the password you choose as `new_password`."


class TooManyAttempts(Refusal):
    """Too many attempts for this account or from this address. Facts: retry_after_seconds."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    sentence = "Too many attempts."
    remedy = "Try again in {retry_after_seconds} seconds."


class WeakPassword(InvalidValue):
    """The password is too easily guessed. Facts: field, reason."""

    code = "weak_password"
    title = "This password is too weak"

    def __init__(self, reason: str) -> None:
        super().__init__("password", "(hidden)", reason)


class WrongCode(InvalidValue):
    """The code of the second factor, or the present password, is wrong. Facts: field."""

    code = "wrong_code"
    title = "Wrong"

    def __init__(self, field: str) -> None:
        super().__init__(field, "(hidden)", "is wrong, used up or out of date")


class EmailTaken(Conflict):
    """Another person has this email. Facts: email."""

    code = "email_taken"
    title = "This email is taken"
    sentence = "Somebody else has the email {email}."


class LastAdministrator(Conflict):
    """Nobody would be left to administer."""

    code = "last_administrator"
    title = "The last administrator"
    sentence = "{name} is the last active administrator."
    remedy = "Make somebody else an administrator first."


class SecondFactorState(Conflict):
    """There is a second factor already, or none. Facts: reason."""

    code = "second_factor_state"
    title = "Not in this state of the second factor"
    sentence = "{reason}"
