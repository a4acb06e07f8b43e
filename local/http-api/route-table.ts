import type { Resource, Template } from "../template/resource.ts";
import { functionOf, integrationOf } from "../template/wiring.ts";

export interface Route {
  /** As in the template: `POST /v1/in/{provider}`, `ANY /{proxy+}` or `$default`. */
  key: string;
  functionId: string;
  timeoutMs: number;
}

export interface RouteMatch {
  route: Route;
  pathParameters: Record<string, string>;
}

/** @returns the most specific route for a decoded path, or undefined */
export type RouteTable = (method: string, path: string) => RouteMatch | undefined;

interface CompiledRoute extends Route {
  method: string;
  pattern: RegExp;
  names: string[];
  rank: string;
}

/** API Gateway's maximum integration timeout, which is also the default. */
const MAX_INTEGRATION_TIMEOUT_MS = 30_000;

/**
 * Route priority:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export function makeRouteTable(template: Template, api: Resource): RouteTable {
  const routes = template
    .resources("AWS::ApiGatewayV2::Route")
    .filter(({ properties }) => properties.ApiId === api.logicalId)
    .map((route) => compile(template, route))
    .sort((left, right) => (left.rank < right.rank ? -1 : 1));
  return (method, path) => {
    for (const route of routes) {
      if (route.method !== "ANY" && route.method !== method) continue;
      const found = route.pattern.exec(path);
      if (!found) continue;
      const parameters = route.names.map((name, index) => [name, found[index + 1] ?? ""]);
      return { route, pathParameters: Object.fromEntries(parameters) };
    }
    return undefined;
  };
}

function compile(template: Template, route: Resource): CompiledRoute {
  const key = String(route.properties.RouteKey);
  const integration = integrationOf(template, route);
  const target = functionOf(template, integration?.properties.IntegrationUri);
  if (!integration || !target) throw new Error(`route ${route.logicalId} leads to no function`);
  if (integration.properties.PayloadFormatVersion !== "2.0") {
    throw new Error(`${integration.logicalId}: the local run has payload format 2.0 only`);
  }
  const [method = "", path = ""] = key === "$default" ? ["ANY", "/{+}"] : key.split(" ");
  const segments = path.split("/").slice(1);
  return {
    key,
    method,
    functionId: target.logicalId,
    timeoutMs: Number(integration.properties.TimeoutInMillis ?? MAX_INTEGRATION_TIMEOUT_MS),
    pattern: new RegExp(`^/${segments.map(segmentPattern).join("/")}$`, "s"),
    names: segments.flatMap((segment) => /^\{(\w[^}+]*)\+?\}$/.exec(segment)?.[1] ?? []),
    rank: segments.map(segmentRank).join("") + (method === "ANY" ? "1" : "0"),
  };
}

function segmentPattern(segment: string): string {
  if (segment === "{+}") return ".*";
  if (/^\{[^}]+\+\}$/.test(segment)) return "(.+)";
  if (/^\{[^}]+\}$/.test(segment)) return "([^/]+)";
  return segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Sorts literal text before a variable, a greedy variable and `$default`, segment by segment. */
function segmentRank(segment: string): string {
  if (segment === "{+}") return "5";
  if (segment.endsWith("+}")) return "4";
  return segment.startsWith("{") ? "3" : "2";
}
