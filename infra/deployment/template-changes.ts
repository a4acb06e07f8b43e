import { fullDiff, ResourceImpact } from "@aws-cdk/cloudformation-diff";
import { configMetadataKey, type DeployedConfig } from "../deployed-config.ts";

/** A CloudFormation template, as JSON. */
export interface StackTemplate {
  Metadata?: { [configMetadataKey]?: DeployedConfig };
  Resources?: Record<string, { Type: string; Properties?: Record<string, unknown> }>;
}

export interface TemplateChange {
  /**
   * `remove`: something that people or providers use disappears. `replace`: a resource that holds
   * data is replaced by an empty one, or deleted. `change`: everything else.
   */
  kind: "remove" | "replace" | "change";
  /** One sentence for the person who deploys. */
  text: string;
}

/** Resources that hold data, or a name that others rely on. */
const statefulTypes = [
  "AWS::DynamoDB::Table",
  "AWS::SQS::Queue",
  "AWS::S3::Bucket",
  "AWS::SecretsManager::Secret",
  "AWS::Events::EventBus",
  "AWS::Events::Archive",
  "AWS::Logs::LogGroup",
  "AWS::ApiGatewayV2::Api",
];

/** What the removal of a resource that people or providers use means; by its type. */
const removals: Record<string, (properties: Record<string, unknown>) => string> = {
  "AWS::ApiGatewayV2::DomainName": ({ DomainName }) =>
    `The domain ${DomainName} is removed: every inbound URL under it stops working, and webhooks to it are lost.`,
  "AWS::SNS::Subscription": ({ Endpoint }) =>
    `The subscription of ${JSON.stringify(Endpoint)} is removed: nobody there is notified by alarms any more.`,
};

/**
 * Compares the template of a deployed stack with that of the next deployment.
 *
 * @returns the changes in words, the most serious first
 */
export function templateChanges(deployed: StackTemplate, next: StackTemplate): TemplateChange[] {
  const changes = [
    ...configChanges(deployed.Metadata?.[configMetadataKey], next.Metadata?.[configMetadataKey]),
    ...resourceChanges(deployed, next),
  ];
  const order = ["replace", "remove", "change"];
  return changes.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** A version without this metadata was deployed before: what it was configured with is unknown. */
function configChanges(
  deployed: DeployedConfig | undefined,
  next: DeployedConfig = {},
): TemplateChange[] {
  if (deployed === undefined) return [];
  return [...new Set([...Object.keys(deployed), ...Object.keys(next)])].flatMap((name) => {
    const [before, after] = [deployed[name], next[name]];
    if (before === after) return [];
    if (after === undefined) {
      return [{ kind: "remove", text: `${name} is no longer set; it was ${before}.` } as const];
    }
    const isTurnedOff = name === "alarms" && after === "off";
    return [
      {
        kind: isTurnedOff ? "remove" : "change",
        text:
          before === undefined
            ? `${name} is set to ${after}.`
            : `${name} changes from ${before} to ${after}.`,
      } as const,
    ];
  });
}

function resourceChanges(deployed: StackTemplate, next: StackTemplate): TemplateChange[] {
  const changes: TemplateChange[] = [];
  const counts = { added: 0, changed: 0, removed: 0 };
  fullDiff(deployed, next).resources.forEachDifference((id, difference) => {
    const type = difference.oldResourceType ?? difference.newResourceType ?? "";
    if (difference.isAddition) counts.added++;
    else if (difference.isRemoval) counts.removed++;
    else counts.changed++;
    if (difference.isRemoval) {
      const text = removals[type]?.(deployed.Resources?.[id]?.Properties ?? {});
      if (text !== undefined) changes.push({ kind: "remove", text });
    }
    if (!statefulTypes.includes(type)) return;
    const fate = fateOf(difference.changeImpact);
    if (fate === undefined) return;
    const properties = Object.keys(difference.propertyUpdates).join(", ");
    changes.push({
      kind: "replace",
      text: `${type} ${id} ${fate}${properties ? ` because of ${properties}` : ""}.`,
    });
  });
  const { added, changed, removed } = counts;
  if (added + changed + removed > 0) {
    changes.push({
      kind: "change",
      text: `Resources: ${added} added, ${changed} changed, ${removed} removed.`,
    });
  }
  return changes;
}

function fateOf(impact: ResourceImpact): string | undefined {
  switch (impact) {
    case ResourceImpact.WILL_REPLACE:
      return "is replaced by an empty one";
    case ResourceImpact.MAY_REPLACE:
      return "may be replaced by an empty one";
    case ResourceImpact.WILL_DESTROY:
      return "is deleted with its data";
    case ResourceImpact.WILL_ORPHAN:
      return "leaves the stack; its data stays, but nothing uses it any more";
    default:
      return undefined;
  }
}
