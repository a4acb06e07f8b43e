/** Virtual time: a heap of what is to happen, in the order of its time, then of its planning. */
export interface Loop {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Plans a step. One whose time is over happens next. */
  at(ms: number, step: () => void): void;
  after(ms: number, step: () => void): void;
  /**
   * Makes the steps up to this time, or until `isDone` returns true, which is asked after each.
   *
   * @throws what a step throws
   */
  run(untilMs: number, isDone?: () => boolean): Promise<void>;
}

interface Step {
  ms: number;
  place: number;
  run: () => void;
}

/** The simulator replaces the timers of Node: this is the real one. */
const realImmediate = setImmediate;

export function makeLoop(startMs: number): Loop {
  const heap: Step[] = [];
  let now = startMs;
  let places = 0;

  const isBefore = (a: Step, b: Step) => a.ms < b.ms || (a.ms === b.ms && a.place < b.place);

  function push(step: Step): void {
    let at = heap.push(step) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(step, heap[parent] as Step)) break;
      heap[at] = heap[parent] as Step;
      at = parent;
    }
    heap[at] = step;
  }

  function pop(): Step | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Step, heap[child] as Step)) {
        child++;
      }
      if (!isBefore(heap[child] as Step, last)) break;
      heap[at] = heap[child] as Step;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  return {
    nowMs: () => now,
    at: (ms, run) => push({ ms: Math.max(ms, now), place: places++, run }),
    after: (ms, run) => push({ ms: now + Math.max(ms, 0), place: places++, run }),
    async run(untilMs, isDone = () => false) {
      while (heap[0] && heap[0].ms <= untilMs && !isDone()) {
        const step = pop() as Step;
        now = step.ms;
        step.run();
        // Microtasks run before the next macrotask: everything that this step caused is done then.
        await new Promise<void>((resolve) => realImmediate(resolve));
      }
    },
  };
}
