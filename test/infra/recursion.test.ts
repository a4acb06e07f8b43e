import { expect, test } from "vitest";
import { all, synth } from "./synth.ts";

interface Statement {
  Action: string | string[];
  Resource: unknown;
}

const { resources } = synth({ stage: "prod" });
const logicalIds = (value: unknown): string[] =>
  [...JSON.stringify(value).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].flatMap(
    ([, id]) => id ?? [],
  );

/** The queues that a role may send messages to. */
function sendsTo(roleId: string): string[] {
  return all(resources, "AWS::IAM::Policy")
    .filter(([, { Properties }]) => logicalIds(Properties.Roles).includes(roleId))
    .flatMap(
      ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    )
    .filter(({ Action }) => [Action].flat().includes("sqs:SendMessage"))
    .flatMap(({ Resource }) => logicalIds(Resource));
}

/** The function behind each alias. */
const functionOfAlias = new Map(
  all(resources, "AWS::Lambda::Alias").map(([id, { Properties }]) => [
    id,
    logicalIds(Properties.FunctionName)[0] ?? "",
  ]),
);

/** The functions that a queue feeds. */
function fedBy(queueId: string): string[] {
  return all(resources, "AWS::Lambda::EventSourceMapping")
    .filter(([, { Properties }]) => logicalIds(Properties.EventSourceArn).includes(queueId))
    .flatMap(([, { Properties }]) => logicalIds(Properties.FunctionName))
    .map((id) => functionOfAlias.get(id) ?? id);
}

const functions = all(resources, "AWS::Lambda::Function");
const nextOf = new Map(
  functions.map(([id, { Properties }]) => [
    id,
    logicalIds(Properties.Role).flatMap(sendsTo).flatMap(fedBy),
  ]),
);

/** Whether a message of the function may start the function again, directly or by other functions. */
function startsItself(functionId: string): boolean {
  const reached = new Set<string>();
  const open = [...(nextOf.get(functionId) ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...(nextOf.get(id) ?? []));
  }
  return reached.has(functionId);
}

// boto/boto3#3899: Lambda ends a chain function, queue, same function after about 16 invocations.
test("Lambda's recursive loop detection is off for exactly the functions whose messages start them again", () => {
  const expected = functions.map(([id]) => [id, startsItself(id) ? "Allow" : undefined]);
  expect(functions.map(([id, { Properties }]) => [id, Properties.RecursiveLoop])).toEqual(expected);
  const allowed = functions.filter(([, { Properties }]) => Properties.RecursiveLoop === "Allow");
  expect(allowed.map(([id]) => id.replace(/Function[0-9A-F]{8}$/, ""))).toEqual([
    "AckwireConsume",
    "AckwireSubmit",
    "AckwireDeliver",
  ]);
});
