export type ConflictResult<Item, Written> =
  | { kind: "written"; written: Written }
  /** `decide` found nothing to change. */
  | { kind: "unchanged"; item: Item }
  | { kind: "missing" }
  /** Other writers came first at every attempt. The last write was refused, so nothing is written. */
  | { kind: "conflict" };

/**
 * Changes a stored item by an optimistic write: reads it, decides, and replaces it
 * on the condition that it is unchanged; repeats this after a conflicting write.
 *
 * `decide` runs once per attempt on the item as it is stored by then, so its own
 * effects must be idempotent.
 *
 * @throws what `find`, `decide` and `replace` throw
 */
export async function retryOnConflict<Item, Next, Written>(of: {
  /** The item of an earlier read or write: the first attempt needs no read. */
  known?: Item;
  /** The item as it is stored now; `undefined` when there is none. */
  find: () => Promise<Item | undefined>;
  /** The item to write, or `undefined` when there is nothing to change. */
  decide: (item: Item) => Next | undefined | Promise<Next | undefined>;
  /** The conditional write; `undefined` when another write came first. */
  replace: (next: Next, item: Item) => Promise<Written | undefined>;
  maxAttempts: number;
}): Promise<ConflictResult<Item, Written>> {
  let { known } = of;
  for (let attempt = 0; attempt < of.maxAttempts; attempt++) {
    const item = known ?? (await of.find());
    known = undefined;
    if (item === undefined) return { kind: "missing" };
    const next = await of.decide(item);
    if (next === undefined) return { kind: "unchanged", item };
    const written = await of.replace(next, item);
    if (written !== undefined) return { kind: "written", written };
  }
  return { kind: "conflict" };
}
