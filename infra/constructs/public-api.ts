import { Aws, Fn, type RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  DomainName,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { type ILogGroup, LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { CustomDomain } from "../ackwire-props.ts";

export interface PublicApiProps {
  /** Of the API, and part of the name of its log group. */
  name: string;
  /** Requests per second and route, above which the API answers 429. */
  throttleRate: number;
  /** Burst above the rate. */
  throttleBurst: number;
  logRetentionDays: number;
  removalPolicy: RemovalPolicy;
  customDomain?: CustomDomain | undefined;
}

/** The route key, never the path: inbound paths hold a secret. No body, and no header but the user agent. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: "$context.requestId",
    routeKey: "$context.routeKey",
    status: "$context.status",
    sourceIp: "$context.identity.sourceIp",
    userAgent: "$context.identity.userAgent",
    responseLatencyMs: "$context.responseLatency",
    integrationLatencyMs: "$context.integrationLatency",
    responseLength: "$context.responseLength",
  }),
);

/** The unique part of the stack's id, which it keeps as long as it lives. */
function stackGuid(): string {
  return Fn.select(2, Fn.split("/", Aws.STACK_ID));
}

/** The HTTP API: routes to functions, throttled per route, logged without secrets. */
export class PublicApi extends Construct {
  readonly api: HttpApi;
  readonly accessLog: ILogGroup;
  /** Without a trailing slash. */
  readonly url: string;
  /** The target of the custom domain's DNS record. */
  readonly domainTarget: string | undefined;

  constructor(scope: Construct, id: string, props: PublicApiProps) {
    super(scope, id);
    const { name, customDomain, logRetentionDays, removalPolicy } = props;
    this.api = new HttpApi(this, "Api", {
      apiName: name,
      description: "Ackwire's public API",
      createDefaultStage: false,
    });
    const domain =
      customDomain === undefined ? undefined : new DomainName(this, "Domain", customDomain);
    const logGroup = new LogGroup(this, "Logs", {
      // API Gateway adds each log group to a resource policy of the account, which is limited in
      // size, except for groups with this prefix. The stack's id makes the name unique, also when
      // a group of an earlier stack was retained.
      logGroupName: `/aws/vendedlogs/apis/${name}/${stackGuid()}`,
      retention: logRetentionDays,
      removalPolicy,
    });
    this.accessLog = logGroup;
    new HttpStage(this, "Stage", {
      httpApi: this.api,
      stageName: "$default",
      autoDeploy: true,
      throttle: { rateLimit: props.throttleRate, burstLimit: props.throttleBurst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: accessLogFormat,
      },
      ...(domain === undefined ? {} : { domainMapping: { domainName: domain } }),
    });
    this.url =
      customDomain === undefined ? this.api.apiEndpoint : `https://${customDomain.domainName}`;
    this.domainTarget = domain?.regionalDomainName;
  }

  /** Adds routes without an authorizer to one function. */
  publicRoutes(
    id: string,
    target: IFunction,
    routes: readonly PublicRoute[],
    /** The route of calls that no other route matches: why it needs no authorizer. */
    noAuthorizerReasonOfDefault?: string,
  ): void {
    const integration = new HttpLambdaIntegration(`${id}Integration`, target, {
      // Many routes share one permission: one each would exceed the 20 KB of a function's policy.
      scopePermissionToRoute: routes.length === 1,
    });
    if (noAuthorizerReasonOfDefault !== undefined) {
      const fallback = new HttpRoute(this, "Default", {
        httpApi: this.api,
        integration,
        routeKey: HttpRouteKey.DEFAULT,
      });
      // The routes' common permission is for `METHOD/path`, which this route does not have.
      target.addPermission(`${id}Default`, {
        principal: new ServicePrincipal("apigateway.amazonaws.com"),
        sourceArn: Stack.of(this).formatArn({
          service: "execute-api",
          resource: this.api.apiId,
          resourceName: "*/$default",
        }),
      });
      Validations.of(fallback).acknowledge({
        id: "AwsSolutions-APIG4",
        reason: `Route $default: ${noAuthorizerReasonOfDefault}`,
      });
    }
    for (const { method, path, noAuthorizerReason } of routes) {
      for (const added of this.api.addRoutes({
        path,
        methods: [HttpMethod[method]],
        integration,
      })) {
        Validations.of(added).acknowledge({
          id: "AwsSolutions-APIG4",
          reason: `Route ${method} ${path}: ${noAuthorizerReason}`,
        });
      }
    }
  }
}

export interface PublicRoute {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "ANY";
  path: string;
  /** Why the route needs no authorizer. */
  noAuthorizerReason: string;
}
