//! Answers as EC2 writes them.

fn answer(action: &str, inner: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>{inner}</{action}Response>"#
    )
}

/// STS's shape is another than EC2's, and the SDK wants the result first.
pub(super) fn account(id: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{id}:user/x</Arn><UserId>AIDA</UserId><Account>{id}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
}

pub(super) fn error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
         <Message>{message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    )
}

pub(super) fn sts_error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>Words of STS.</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )
}

/// A page of `set` with the items given and, perhaps, a token.
pub(super) fn page(action: &str, set: &str, items: &[String], next: Option<&str>) -> String {
    let items: String = items.iter().map(|item| format!("<item>{item}</item>")).collect();
    let next = next.map(|next| format!("<nextToken>{next}</nextToken>")).unwrap_or_default();
    answer(action, &format!("<{set}>{items}</{set}>{next}"))
}

pub(super) fn snapshots(items: &[String], next: Option<&str>) -> String {
    page("DescribeSnapshots", "snapshotSet", items, next)
}

pub(super) fn snapshot(id: &str) -> String {
    format!(
        "<snapshotId>{id}</snapshotId><volumeId>vol-1</volumeId><status>completed</status>\
         <startTime>2026-11-20T03:00:00.123Z</startTime><progress>100%</progress><ownerId>123456789012</ownerId>\
         <volumeSize>8</volumeSize><description/><encrypted>true</encrypted><storageTier>standard</storageTier>\
         <tagSet><item><key>Type</key><value>Automated</value></item><item><key>Empty</key><value/></item></tagSet>"
    )
}

pub(super) fn volume(id: &str) -> String {
    format!(
        "<volumeId>{id}</volumeId><size>100</size><snapshotId/><status>in-use</status><volumeType>st1</volumeType>\
         <encrypted>false</encrypted><tagSet><item><key>Backup</key><value>No</value></item></tagSet>"
    )
}

pub(super) fn instance(id: &str) -> String {
    format!(
        "<instanceId>{id}</instanceId><instanceState><code>16</code><name>running</name></instanceState>\
         <rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>\
         <item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId><status>attached</status></ebs></item>\
         <item><deviceName>/dev/sdb</deviceName></item></blockDeviceMapping>\
         <tagSet><item><key>Backup</key><value>Yes</value></item></tagSet>"
    )
}

pub(super) fn reservation(id: &str, instances: &[&str]) -> String {
    let instances: String = instances.iter().map(|id| format!("<item>{}</item>", instance(id))).collect();
    format!("<reservationId>{id}</reservationId><instancesSet>{instances}</instancesSet>")
}

pub(super) fn created(snapshot: &str, volume: &str) -> String {
    answer("CreateSnapshot", &begun(snapshot, volume))
}

pub(super) fn begun(snapshot: &str, volume: &str) -> String {
    format!("<snapshotId>{snapshot}</snapshotId><volumeId>{volume}</volumeId>")
}

pub(super) fn created_set(of: &[(&str, &str)]) -> String {
    let items: Vec<_> = of.iter().map(|(snapshot, volume)| begun(snapshot, volume)).collect();
    page("CreateSnapshots", "snapshotSet", &items, None)
}

pub(super) fn copied(snapshot: &str) -> String {
    answer("CopySnapshot", &format!("<snapshotId>{snapshot}</snapshotId>"))
}

pub(super) fn done(action: &str) -> String {
    answer(action, "<return>true</return>")
}
