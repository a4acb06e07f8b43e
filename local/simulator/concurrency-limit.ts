/** Lets so many tasks run at once; the others wait, in their order. A task must not throw. */
export function makeTurns(limit: number) {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return async (task: () => Promise<void>): Promise<void> => {
    if (underWay >= limit) await new Promise<void>((begin) => waiting.push(begin));
    else underWay++;
    try {
      await task();
    } finally {
      // The turn passes on as it is: the next one is counted already.
      const next = waiting.shift();
      if (next) next();
      else underWay--;
    }
  };
}
