//! The disk's files as the kernel asks for them. Only translates: what is kept and lost is decided in `files`.

use super::files::{Content, Files, Kind, Names, Node, PAGE, Refusal};
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::{
    ffi::OsStr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How long the kernel may remember what it was told: nobody else changes anything.
const TTL: Duration = Duration::from_secs(3_600);
/// The kernel's pages live as long as the file does, as on a disk: memory maps stay what they are.
const OPENED: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE;
const HANDLE: FileHandle = FileHandle(0);
const GENERATION: Generation = Generation(0);

/// A disk that can be mounted.
pub(super) struct Mounted {
    pub(super) files: Arc<Mutex<Files>>,
    pub(super) owner: (u32, u32),
}

impl From<Refusal> for Errno {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => Self::ENOENT,
            Refusal::Exists => Self::EEXIST,
            Refusal::NotAFile => Self::EISDIR,
            Refusal::NotAFolder => Self::ENOTDIR,
            Refusal::NotEmpty => Self::ENOTEMPTY,
            Refusal::Full => Self::ENOSPC,
            Refusal::Broken => Self::EIO,
        }
    }
}

fn offset(number: u64) -> usize {
    usize::try_from(number).expect("a file fits into memory")
}

fn length(number: usize) -> u64 {
    u64::try_from(number).expect("64 bits")
}

impl Mounted {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().expect("the disk's files")
    }

    fn attributes(&self, number: u64, node: &Node) -> FileAttr {
        let size = length(node.size());
        FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: match node.kind {
                Kind::File(_) => FileType::RegularFile,
                Kind::Folder(_) => FileType::Directory,
            },
            perm: node.mode,
            nlink: 1,
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: 4_096,
            flags: 0,
        }
    }

    fn make(
        &self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        kind: Kind,
    ) -> Result<FileAttr, Refusal> {
        let mode = u16::try_from(mode & 0o777).expect("nine bits");
        let mut files = self.files();
        let number = files.make(parent.0, name, mode, kind)?;
        Ok(self.attributes(number, files.node(number)?))
    }
}

fn answer(result: Result<(), Refusal>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(refusal) => reply.error(refusal.into()),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let files = self.files();
        let found = files.find(parent.0, name);
        match found.and_then(|number| Ok((number, files.node(number)?))) {
            Ok((number, node)) => reply.entry(&TTL, &self.attributes(number, node), GENERATION),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.files().node(ino.0) {
            Ok(node) => reply.attr(&TTL, &self.attributes(ino.0, node)),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut files = self.files();
        let mode = mode.map(|mode| u16::try_from(mode & 0o777).expect("nine bits"));
        let set = mode.map_or(Ok(()), |mode| files.set_mode(ino.0, mode));
        let set = set.and_then(|()| size.map_or(Ok(()), |size| files.resize(ino.0, offset(size))));
        match set.and_then(|()| files.node(ino.0)) {
            Ok(node) => reply.attr(&TTL, &self.attributes(ino.0, node)),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        match self.make(parent, name, mode & !umask, Kind::Folder(Names::default())) {
            Ok(attributes) => reply.entry(&TTL, &attributes, GENERATION),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, mode & !umask, Kind::File(Content::default())) {
            Ok(attributes) => reply.created(&TTL, &attributes, GENERATION, HANDLE, OPENED),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(HANDLE, OPENED);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.files().remove(parent.0, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(self.files().remove(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self
            .files()
            .rename((parent.0, name), (newparent.0, newname));
        answer(renamed, reply);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        from: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let size = usize::try_from(size).expect("32 bits");
        match self.files().read(ino.0, offset(from), size) {
            Ok(bytes) => reply.data(bytes),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        at: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.files().write(ino.0, offset(at), data) {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("32 bits")),
            Err(refusal) => reply.error(refusal.into()),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.files().sync(ino.0), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(self.files().sync_names(ino.0), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let files = self.files();
        let names = match files.names(ino.0) {
            Ok(names) => names,
            Err(refusal) => return reply.error(refusal.into()),
        };
        for (next, (name, number)) in (1..)
            .zip(names)
            .skip(usize::try_from(offset).expect("64 bits"))
        {
            let folder = files.names(*number).is_ok();
            let kind = if folder {
                FileType::Directory
            } else {
                FileType::RegularFile
            };
            if reply.add(INodeNo(*number), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let files = self.files();
        let used = length(files.used() / PAGE);
        let room = files
            .behaviour
            .room
            .map_or(1 << 20, |room| length(room / PAGE));
        let free = room.saturating_sub(used);
        reply.statfs(room, free, free, 1 << 20, 1 << 20, 4_096, 255, 4_096);
    }
}
