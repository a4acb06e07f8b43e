import json, sys

value = json.load(open(sys.argv[1], encoding="utf-8"))
for name, options in {
    "default": {},
    "sorted": {"sort_keys": True},
    "compact": {"separators": (",", ":")},
    "compact, sorted": {"separators": (",", ":"), "sort_keys": True},
    "Unicode": {"ensure_ascii": False},
    "Unicode, compact, sorted": {"ensure_ascii": False, "separators": (",", ":"), "sort_keys": True},
}.items():
    print(name + "\t" + json.dumps(value, **options))
