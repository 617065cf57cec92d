"""validate.py SCHEMA CASES: checks the schema, then each line of CASES, a document of JSON; prints for each "valid" or what is wrong."""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
with open(sys.argv[2], encoding="utf-8") as file:
    for line in file:
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(line)))
        print("valid" if error is None else f"{error.json_path}: {error.message}".replace("\n", " "))
