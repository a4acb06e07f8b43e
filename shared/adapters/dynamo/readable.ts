/**
 * For an item among others that must not fail with it.
 *
 * @returns `undefined` if the item is stored in a form that this version cannot read, for example
 *   by a newer version before a rollback
 */
export function readable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
