import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

export interface PrivateBucketProps {
  /** `acme-prod-lake`; the account's number is added, since names of buckets are the whole world's. */
  name: string;
  key: IKey;
  /** Receives one line a request. */
  accessLogs: Bucket;
  isVersioned: boolean;
  lifecycle: LifecycleRule[];
  /** `retain`: outlives its stack. `refuse`: goes with its stack once it is empty, and S3 deletes no other. */
  onRemoval: 'retain' | 'refuse';
}

/** A bucket that nobody reaches from outside: the company's key, TLS only, no public access, no ACL. */
export class PrivateBucket extends Construct {
  readonly bucket: Bucket;
  /** Its address as other stacks may name it: they need no export of this one. */
  readonly bucketName: string;
  readonly arn: string;

  constructor(scope: Construct, id: string, props: PrivateBucketProps) {
    super(scope, id);
    this.bucketName = `${props.name}-${Aws.ACCOUNT_ID}`;
    this.arn = `arn:${Aws.PARTITION}:s3:::${this.bucketName}`;
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName: this.bucketName,
      encryption: BucketEncryption.KMS,
      encryptionKey: props.key,
      // One call to KMS for many objects, not one for each.
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: props.isVersioned,
      lifecycleRules: [
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(2) },
        ...props.lifecycle,
      ],
      serverAccessLogsBucket: props.accessLogs,
      serverAccessLogsPrefix: `${props.name}/`,
      removalPolicy: props.onRemoval === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
