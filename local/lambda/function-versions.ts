import type { FunctionConfiguration } from "./function-configuration.ts";
import type { FunctionPool, InvokeOptions } from "./function-pool.ts";
import type { FunctionError, InvokeResult } from "./invoke-result.ts";

/** The versions of one function: the one behind its alias, and during a rollout the next one. */
export interface FunctionVersions {
  /** @returns the reason why the function could not be loaded */
  warmUp(): Promise<FunctionError | undefined>;
  invoke(payload: string, options?: InvokeOptions): Promise<InvokeResult>;
  /**
   * Lets a new version take this share of the invocations, from above 0 to 1. At 1 it replaces the
   * others, whose running and waiting invocations end as they began. A version that cannot be
   * loaded takes none.
   *
   * @returns the reason why the new version could not be loaded
   */
  update(configuration: FunctionConfiguration, share: number): Promise<FunctionError | undefined>;
  close(): Promise<void>;
}

/** @param start starts the environments of a version */
export function makeFunctionVersions(
  first: FunctionConfiguration,
  start: (configuration: FunctionConfiguration) => FunctionPool,
): FunctionVersions {
  let live = start(first);
  let next: { pool: FunctionPool; share: number } | undefined;
  const retiring = new Set<FunctionPool>();

  function retire(pool: FunctionPool): void {
    retiring.add(pool);
    void pool.retire().then(() => retiring.delete(pool));
  }

  return {
    warmUp: () => live.warmUp(),
    invoke: (payload, options) => {
      const pool = next !== undefined && Math.random() < next.share ? next.pool : live;
      return pool.invoke(payload, options);
    },
    update: async (configuration, share) => {
      const pool = start(configuration);
      const error = await pool.warmUp();
      if (error) {
        await pool.close();
        return error;
      }
      if (next) retire(next.pool);
      next = share < 1 ? { pool, share } : undefined;
      if (share < 1) return undefined;
      retire(live);
      live = pool;
      return undefined;
    },
    close: async () => {
      const pools = [live, ...retiring, ...(next ? [next.pool] : [])];
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
