export type Handler = (event: unknown, context: object) => Promise<unknown>;

/** What the code of the functions sees of the world while one of them runs. */
export interface World {
  /** The name of the function. */
  name: string;
  variables: Readonly<Record<string, string>>;
  log(line: string): void;
}

/** Loads functions. Those of one runtime share their modules, and nothing with another runtime. */
export interface FunctionRuntime {
  /** @throws what the function's module throws, for example about a variable */
  load(world: World): Handler;
  /** Runs an invocation, or a part of one, with the variables and the log of a function. */
  run<Result>(world: World, run: () => Result): Result;
}
