/** What the work of a batch has brought, without what failed. */
export async function fulfilled<Result>(started: Map<string, Promise<Result>>): Promise<Result[]> {
  return (await Promise.allSettled(started.values())).flatMap((work) =>
    work.status === "fulfilled" ? [work.value] : [],
  );
}

/** Starts the work of a key once for all messages of a batch. */
export function startOnce<Result>(
  started: Map<string, Promise<Result>>,
  key: string,
  start: () => Promise<Result>,
): Promise<Result> {
  const work = started.get(key) ?? start();
  started.set(key, work);
  return work;
}
