import { ACCOUNT_ID, REGION } from "../physical-name.ts";
import { mayEventBridgeSend } from "./queue-policy.ts";
import { arnMatches, arnOfResource, findResource } from "./references.ts";
import type { Resource, Template } from "./resource.ts";

/**
 * Checks that every resource is used by another one. AWS would deploy such
 * mistakes silently, and the resource would never run; the local run rejects
 * them.
 *
 * @throws Error that lists every mistake by logical id and says what to add
 */
export function checkWiring(template: Template): void {
  const faults = [
    ...routeFaults(template),
    ...mappingFaults(template),
    ...ruleFaults(template),
    ...queueFaults(template),
    ...functionFaults(template),
  ];
  if (faults.length > 0) {
    throw new Error(
      `The template has wiring mistakes:\n${faults.map((fault) => `- ${fault}`).join("\n")}`,
    );
  }
}

function routeFaults(template: Template): string[] {
  return template.resources("AWS::ApiGatewayV2::Route").flatMap((route) => {
    const { logicalId, properties } = route;
    const key = String(properties.RouteKey);
    const integration = integrationOf(template, route);
    if (!integration) {
      return [`route ${logicalId} (${key}): its integration does not exist; add one`];
    }
    const target = functionOf(template, integration.properties.IntegrationUri);
    if (!target) {
      return [
        `route ${logicalId} (${key}): integration ${integration.logicalId} does not refer to a function of the template; correct its IntegrationUri`,
      ];
    }
    const faults = [];
    if (!stageOf(template, properties.ApiId)) {
      faults.push(
        `route ${logicalId} (${key}): its API has no stage; add an AWS::ApiGatewayV2::Stage`,
      );
    }
    const invoked = invokedOf(template, integration.properties.IntegrationUri) ?? target;
    if (
      !isPermitted(template, invoked, "apigateway.amazonaws.com", executeArn(properties.ApiId, key))
    ) {
      faults.push(
        `route ${logicalId} (${key}): API Gateway is not allowed to invoke ${describe(invoked)}; add an AWS::Lambda::Permission for apigateway.amazonaws.com on it`,
      );
    }
    return faults;
  });
}

function mappingFaults(template: Template): string[] {
  return mappings(template).flatMap(({ logicalId, properties }) => {
    const faults = [];
    if (!findResource(template, "AWS::SQS::Queue", properties.EventSourceArn)) {
      faults.push(
        `event source mapping ${logicalId}: its queue ${properties.EventSourceArn} does not exist; add it, or correct EventSourceArn`,
      );
    }
    if (!functionOf(template, properties.FunctionName)) {
      faults.push(
        `event source mapping ${logicalId}: its function ${properties.FunctionName} does not exist; add it, or correct FunctionName`,
      );
    }
    return faults;
  });
}

function ruleFaults(template: Template): string[] {
  return template
    .resources("AWS::Events::Rule")
    .flatMap((rule) => [...lambdaFaults(template, rule), ...sendFaults(template, rule)]);
}

function lambdaFaults(template: Template, rule: Resource): string[] {
  return targetsOf(rule)
    .map((arn) => invokedOf(template, arn))
    .filter((target) => target !== undefined)
    .filter((target) => !isPermitted(template, target, "events.amazonaws.com", arnOfResource(rule)))
    .map(
      (target) =>
        `rule ${rule.logicalId}: EventBridge is not allowed to invoke ${describe(target)}; add an AWS::Lambda::Permission for events.amazonaws.com on it`,
    );
}

/**
 * Checks the queues of a rule, both targets and dead-letter queues: each must
 * exist and allow EventBridge to send to it.
 */
function sendFaults(template: Template, rule: Resource): string[] {
  const queueArns = [...targetsOf(rule), ...deadLettersOf(rule)].filter((arn) =>
    String(arn).startsWith("arn:aws:sqs:"),
  );
  return queueArns.flatMap((arn) => {
    const queue = findResource(template, "AWS::SQS::Queue", arn);
    if (!queue) return [`rule ${rule.logicalId}: its queue ${arn} does not exist; add it`];
    return mayEventBridgeSend(template, queue, arnOfResource(rule))
      ? []
      : [
          `rule ${rule.logicalId}: EventBridge is not allowed to send to queue ${queue.logicalId}; add an AWS::SQS::QueuePolicy that allows sqs:SendMessage`,
        ];
  });
}

/**
 * Checks that a queue with a dead-letter queue has a consumer. A dead-letter
 * queue itself needs none.
 */
function queueFaults(template: Template): string[] {
  return template
    .resources("AWS::SQS::Queue")
    .filter((queue) => queue.properties.RedrivePolicy !== undefined)
    .filter((queue) => {
      const names = [queue.logicalId, arnOfResource(queue)];
      return !mappings(template).some(({ properties }) =>
        names.includes(String(properties.EventSourceArn)),
      );
    })
    .map(
      (queue) =>
        `queue ${queue.logicalId}: no function receives its messages; add an AWS::Lambda::EventSourceMapping for it`,
    );
}

function functionFaults(template: Template): string[] {
  const invoked = new Set(
    [
      ...template
        .resources("AWS::ApiGatewayV2::Route")
        .map((route) => integrationOf(template, route)?.properties.IntegrationUri),
      ...mappings(template).map(({ properties }) => properties.FunctionName),
      ...template.resources("AWS::Events::Rule").flatMap(targetsOf),
      ...template
        .resources("AWS::Scheduler::Schedule")
        .map(({ properties }) => arnIn(properties.Target)),
    ].map((reference) => functionOf(template, reference)?.logicalId),
  );
  return template
    .resources("AWS::Lambda::Function")
    .filter(({ logicalId }) => !invoked.has(logicalId))
    .map(
      ({ logicalId }) =>
        `function ${logicalId}: nothing invokes it; add a route, an event source mapping, a schedule or a rule target`,
    );
}

/** Returns the integration to which the `Target` of a route (`integrations/<id>`) refers. */
export function integrationOf(template: Template, route: Resource): Resource | undefined {
  const id = String(route.properties.Target).replace(/^integrations\//, "");
  return template
    .resources("AWS::ApiGatewayV2::Integration")
    .find((integration) => integration.logicalId === id);
}

/**
 * Returns the function to which a property refers, directly or by an alias: by name, by ARN, or
 * by API Gateway's URI around the ARN.
 */
export function functionOf(template: Template, reference: unknown): Resource | undefined {
  const invoked = invokedOf(template, reference);
  return invoked?.type === "AWS::Lambda::Alias"
    ? findResource(template, "AWS::Lambda::Function", invoked.properties.FunctionName)
    : invoked;
}

/** Returns the function or the alias itself to which a property refers. */
function invokedOf(template: Template, reference: unknown): Resource | undefined {
  const arn = /functions\/(arn:[^/]+)\/invocations$/.exec(String(reference))?.[1];
  return ["AWS::Lambda::Function", "AWS::Lambda::Alias"]
    .map((type) => findResource(template, type, arn ?? reference))
    .find((found) => found !== undefined);
}

function describe({ type, logicalId }: Resource): string {
  return `${type === "AWS::Lambda::Alias" ? "alias" : "function"} ${logicalId}`;
}

export function stageOf(template: Template, apiId: unknown): Resource | undefined {
  return template
    .resources("AWS::ApiGatewayV2::Stage")
    .find(({ properties }) => properties.ApiId === apiId);
}

const mappings = (template: Template) => template.resources("AWS::Lambda::EventSourceMapping");

/** A permission for a function does not extend to its aliases, nor the other way round. */
function isPermitted(template: Template, invoked: Resource, principal: string, sourceArn: string) {
  return template
    .resources("AWS::Lambda::Permission")
    .some(
      ({ properties }) =>
        properties.Principal === principal &&
        ["lambda:InvokeFunction", "lambda:*"].includes(String(properties.Action)) &&
        invokedOf(template, properties.FunctionName) === invoked &&
        (properties.SourceArn === undefined || arnMatches(String(properties.SourceArn), sourceArn)),
    );
}

function executeArn(apiId: unknown, routeKey: string): string {
  const [method = "", path] = routeKey.split(" ");
  const resource = path === undefined ? method : `${method}${path}`;
  return `arn:aws:execute-api:${REGION}:${ACCOUNT_ID}:${apiId}/$default/${resource}`;
}

function targetsOf({ properties }: Resource): unknown[] {
  return Array.isArray(properties.Targets) ? properties.Targets.map(arnIn) : [];
}

function deadLettersOf({ properties }: Resource): unknown[] {
  const targets = Array.isArray(properties.Targets) ? properties.Targets : [];
  return targets
    .map((target) => arnIn(target?.DeadLetterConfig))
    .filter((arn) => arn !== undefined);
}

function arnIn(target: unknown): unknown {
  return typeof target === "object" && target !== null && "Arn" in target ? target.Arn : undefined;
}
