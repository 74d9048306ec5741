"""The part of JSON Schema that schemas/ uses."""
import json, pathlib, re

from strict import MAX

ROOT = pathlib.Path(__file__).parents[2]
SCHEMAS = {p.name.removesuffix(".schema.json"): json.loads(p.read_text()) for p in (ROOT / "schemas").glob("*.json")}


def fits(value, schema, root):
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    if "type" in schema and (not isinstance(value, kinds[schema["type"]]) or isinstance(value, bool)):
        return False
    ok = ("const" not in schema or value == schema["const"]) and ("enum" not in schema or value in schema["enum"])
    if isinstance(value, str):
        ok &= schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", MAX)
        ok &= "pattern" not in schema or re.search(re.sub(r"\$$", r"\\Z", schema["pattern"]), value) is not None
    elif isinstance(value, int):
        ok &= schema.get("minimum", -MAX) <= value <= schema.get("maximum", MAX)
    elif isinstance(value, list):
        ok &= schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", MAX)
        ok &= all(fits(item, schema.get("items", True), root) for item in value)
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        ok &= all(name in value for name in schema.get("required", []))
        ok &= schema.get("additionalProperties", True) or all(name in known for name in value)
        ok &= all(fits(value[name], part, root) for name, part in known.items() if name in value)
        ok &= all(name not in value or all(other in value for other in others)
                  for name, others in schema.get("dependentRequired", {}).items())
    ok &= all(fits(value, part, root) for part in schema.get("allOf", []))
    ok &= "anyOf" not in schema or any(fits(value, part, root) for part in schema["anyOf"])
    ok &= "oneOf" not in schema or sum(fits(value, part, root) for part in schema["oneOf"]) == 1
    ok &= "not" not in schema or not fits(value, schema["not"], root)
    if "if" in schema:
        ok &= fits(value, schema.get("then" if fits(value, schema["if"], root) else "else", True), root)
    return bool(ok)
