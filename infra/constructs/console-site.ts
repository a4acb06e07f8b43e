import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin, S3BucketOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
} from "aws-cdk-lib/aws-s3";
import { BucketDeployment, CacheControl, Source } from "aws-cdk-lib/aws-s3-deployment";
import { Construct, type IConstruct } from "constructs";
import { consoleHeaders } from "../../shared/contracts/console-headers.ts";
import type { ConsoleProps } from "../ackwire-props.ts";
import { builtConsole } from "./console-files.ts";

export interface ConsoleSiteProps extends ConsoleProps {
  /** Begins the name of the response headers policy. */
  name: string;
  api: HttpApi;
}

/** What the console calls, on its own origin: no other site may read an answer. */
const apiPath = "/v1/operator/*";

/**
 * Every path but those of files is a page, which the console's script shows. Not an error page of
 * the distribution: that would also replace the API's answers 403 and 404.
 */
const pagesCode = `function handler(event) {
  var request = event.request;
  if (!request.uri.startsWith("/assets/") && request.uri !== "/icon.svg") request.uri = "/index.html";
  return request;
}`;

/** The console: a private bucket behind CloudFront, which passes the operator API's calls on. */
export class ConsoleSite extends Construct {
  /** Without a trailing slash. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: ConsoleSiteProps) {
    super(scope, id);
    const bucket = this.#bucket();
    const distribution = this.#distribution(bucket, props);
    this.#files(bucket, distribution, props.files ?? Source.asset(builtConsole()));
    this.url = `https://${distribution.distributionDomainName}`;
  }

  /** It holds what a deployment can make again, and a file of the version before for open pages. */
  #bucket(): IBucket {
    const bucket = new Bucket(this, "Bucket", {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      bucket,
      "AwsSolutions-S1",
      "Console/Bucket: it holds the files of a web page, which contain nothing of anybody's.",
    );
    return bucket as IBucket;
  }

  #distribution(bucket: IBucket, { name, api, frameAncestors }: ConsoleSiteProps): Distribution {
    const { region, urlSuffix } = Stack.of(this);
    const distribution = new Distribution(this, "Distribution", {
      comment: `${name}: the console`,
      defaultRootObject: "index.html",
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(bucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: this.#headers(name, frameAncestors),
        functionAssociations: [
          {
            eventType: FunctionEventType.VIEWER_REQUEST,
            function: new EdgeFunction(this, "Pages", {
              runtime: FunctionRuntime.JS_2_0,
              code: FunctionCode.fromInline(pagesCode),
              comment: "A path that is no file is a page of the console",
            }),
          },
        ],
      },
      additionalBehaviors: {
        [apiPath]: {
          origin: new HttpOrigin(`${api.apiId}.execute-api.${region}.${urlSuffix}`, {
            protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
          }),
          viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
          allowedMethods: AllowedMethods.ALLOW_ALL,
          cachePolicy: CachePolicy.CACHING_DISABLED,
          // The key is in `authorization`; API Gateway answers to its own name only.
          originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
      },
    });
    const acknowledged = {
      "AwsSolutions-CFR1": "who operates the stack may be anywhere.",
      "AwsSolutions-CFR2": "the API throttles, and the files are public.",
      "AwsSolutions-CFR3": "API Gateway logs each call; the files contain nothing of anybody's.",
      "AwsSolutions-CFR4": "CloudFront's own name allows no minimum version of TLS.",
    };
    for (const [rule, reason] of Object.entries(acknowledged)) {
      acknowledge(distribution, rule, `Console/Distribution: ${reason}`);
    }
    return distribution;
  }

  #headers(name: string, frameAncestors: readonly string[]): ResponseHeadersPolicy {
    const headers = Object.entries(consoleHeaders(frameAncestors));
    const { "content-security-policy": contentSecurityPolicy = "" } = Object.fromEntries(headers);
    /** Those that CloudFront has members of its own for. */
    const own = [
      ...["content-security-policy", "x-content-type-options", "referrer-policy"],
      "x-frame-options",
    ];
    return new ResponseHeadersPolicy(this, "Headers", {
      responseHeadersPolicyName: `${name}-${Stack.of(this).region}-console`,
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy, override: true },
        contentTypeOptions: { override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: {
          accessControlMaxAge: Duration.days(365),
          includeSubdomains: true,
          override: true,
        },
        ...(frameAncestors.length === 0
          ? { frameOptions: { frameOption: HeadersFrameOption.DENY, override: true } }
          : {}),
      },
      customHeadersBehavior: {
        customHeaders: headers
          .filter(([header]) => !own.includes(header))
          .map(([header, value]) => ({ header, value, override: true })),
      },
    });
  }

  /** Files of earlier versions stay for pages that are open; the page itself is never cached. */
  #files(
    bucket: IBucket,
    distribution: Distribution,
    files: NonNullable<ConsoleProps["files"]>,
  ): void {
    const deployments = [
      new BucketDeployment(this, "Assets", {
        destinationBucket: bucket,
        sources: [files],
        exclude: ["index.html"],
        prune: false,
        cacheControl: [CacheControl.maxAge(Duration.days(365)), CacheControl.immutable()],
      }),
      new BucketDeployment(this, "Page", {
        destinationBucket: bucket,
        sources: [files],
        exclude: ["*"],
        include: ["index.html"],
        prune: false,
        cacheControl: [CacheControl.noCache()],
        distribution,
        distributionPaths: ["/index.html"],
      }),
    ];
    const [assets, page] = deployments;
    // One for the stack: the CDK's own function, which copies the files.
    const copier = assets?.handlerRole.node.scope;
    if (copier) acknowledgeCopier(copier, bucket);
    // A page must not name files that are not there yet.
    if (assets !== undefined && page !== undefined) page.node.addDependency(assets);
  }
}

/** What the CDK's own function for copying files may do is not for us to change. */
function acknowledgeCopier(copier: IConstruct, bucket: IBucket): void {
  const stack = Stack.of(copier);
  const assets = `cdk-${stack.synthesizer.bootstrapQualifier ?? "hnb659fds"}-assets`;
  const bucketId = stack.getLogicalId(bucket.node.defaultChild as CfnBucket);
  const actions = ["GetBucket*", "GetObject*", "List*", "Abort*", "DeleteObject*"];
  const findings = [
    "AwsSolutions-L1",
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
    ...actions.map((action) => `AwsSolutions-IAM5[Action::s3:${action}]`),
    `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${assets}-<AWS::AccountId>-<AWS::Region>/*]`,
    `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
    "AwsSolutions-IAM5[Resource::*]",
  ];
  for (const id of findings)
    acknowledge(copier, id, "Console: the CDK's function copies the files.");
}

function acknowledge(on: IConstruct, id: string, reason: string): void {
  Validations.of(on).acknowledge({ id, reason });
}
