"""What is wrong with the input, told to whoever gave it."""


class InputError(ValueError):
    """Input that cannot be used: one sentence with the file, what is wrong and what to do.

    Commands print it and exit with status 2. Anything else that is raised is a mistake of ours.
    """
