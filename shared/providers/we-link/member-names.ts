import type { JsonObject } from "../../core/json/json.ts";

/**
 * Returns the members of an object that have this name in any spelling: two are specified for
 * some names, and others occur, so that letter case, `_` and `-` do not matter. Members that are `null` are absent.
 *
 * @param plain the name in lower case, without `_` and `-`
 */
export function membersNamed(value: JsonObject, plain: string): [name: string, value: unknown][] {
  return Object.entries(value).filter(([name, member]) => member !== null && isNamed(name, plain));
}

function isNamed(name: string, plain: string): boolean {
  const extra = name.length - plain.length;
  // A body may have very many members, and very long names: most differ in length already.
  return extra >= 0 && extra <= 2 && name.replace(/[_-]/g, "").toLowerCase() === plain;
}
