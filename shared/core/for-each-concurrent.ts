/**
 * Calls `run` for each item, with at most `concurrency` calls in progress; calls start in
 * the order of the items. Rejects with the first error.
 */
export async function forEachConcurrent<Item>(
  items: readonly Item[],
  concurrency: number,
  run: (item: Item) => Promise<unknown> | unknown,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}
