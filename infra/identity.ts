import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** What tells the resources and outputs of one construct from those of others. */
export interface Identity {
  /**
   * Begins every name that an account and region may contain only once: alarms, saved queries, the
   * API, the metrics' dimension `stack`.
   */
  name: string;
  /** Begins the keys of the stack's outputs. */
  outputPrefix: string;
}

/** The construct that has the stack's own name, and outputs without a prefix. */
const MAIN = "Ackwire";

/**
 * Derives the names from the construct's path. Directly in a stack and called `Ackwire` it has the
 * stack's name. Any other one has its path behind it, joined by `_`, which no stack's name contains:
 * `Orders` in the stack `shop` is `shop_Orders`.
 */
export function identityOf(construct: Construct): Identity {
  const stack = Stack.of(construct);
  const ids = construct.node.scopes
    .slice(stack.node.scopes.length)
    .map(({ node }) => node.id.replaceAll(/[^A-Za-z0-9]/g, ""));
  if (ids.length === 1 && ids[0] === MAIN) return { name: stack.stackName, outputPrefix: "" };
  return { name: [stack.stackName, ...ids].join("_"), outputPrefix: ids.join("") };
}
