"""Backups of the record's PostgreSQL: base backups in chains, the archived log, and the way back to a moment.

Knows PostgreSQL and a folder, and no region: who takes backups, from where and when is told to it.
Everything that it keeps is in PostgreSQL's own formats (tar, manifest, log segments, all gzipped), so that a
record can be brought back by hand with PostgreSQL's programs alone.

```
FOLDER/backup.json    the marker: whose backups these are
FOLDER/base/NAME/     one base backup: backup.json, backup_manifest, base.tar.gz, pg_wal.tar.gz
FOLDER/incoming/      log segments as they arrive (pg_receivewal's folder)
FOLDER/wal/           complete log segments, gzipped, and the histories of timelines
FOLDER/aside/         log that a failover made void: never acknowledged, kept to be looked at
```
"""
