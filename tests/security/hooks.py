"""What schemathesis must not ask. It changes requests; it never changes an answer or a check.

JSON Schema takes 2.0 for an integer. The shop does not: amounts and quantities are whole numbers in the text already,
and nothing here ever becomes a float. So 2.0 is asked as 2.
"""

import schemathesis


def without_whole_floats(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: without_whole_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_whole_floats(item) for item in value]
    return value


@schemathesis.hook
def map_body(context, body):
    return without_whole_floats(body)
