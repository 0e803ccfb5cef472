//! Paths as bytes: taking them apart and putting them together, without the kernel
//! and without allocation.
//!
//! [`Path`] and [`PathBuf`] have std's names and meaning. What differs: a path is any
//! bytes (`&[u8]`, where std has `OsStr`), and a [`PathBuf`] has a fixed size, which is
//! the longest path that the kernel looks at; what does not fit is `ENAMETOOLONG`.
//!
//! All of this is async-signal-safe ([`signal`](crate::signal)).
//!
//! ```ignore
//! let path = Path::new("/etc").join("passwd")?;
//! assert_eq!(path.file_name(), Some(&b"passwd"[..]));
//! let file = File::open(&path)?;
//! ```

use core::ffi::CStr;
use core::fmt::{self, Write as _};
use core::iter;
use core::ops::Deref;
use core::ptr;

use heapless::Vec;

use crate::sys::{self, Errno, PATH_MAX, Result};

/// A path, or a piece of one: bytes, mostly UTF-8, with `/` between its components.
#[repr(transparent)]
pub struct Path([u8]);

impl Path {
    /// The path of these bytes, which are a `&str`, a `&[u8]`, a `&CStr`, ….
    #[inline]
    pub fn new<P: AsRef<Path> + ?Sized>(path: &P) -> &Path {
        path.as_ref()
    }

    const fn from_bytes(bytes: &[u8]) -> &Path {
        // SAFETY: a Path is its bytes (`repr(transparent)`), and any are one.
        unsafe { &*(ptr::from_ref(bytes) as *const Path) }
    }

    /// Its bytes.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as text; `None` if it is not UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }

    /// The same to be printed: what is not UTF-8 becomes U+FFFD.
    pub fn display(&self) -> Display<'_> {
        Display(self)
    }

    /// A copy to change.
    ///
    /// # Errors
    ///
    /// As for [`PathBuf::push`].
    pub fn to_path_buf(&self) -> Result<PathBuf> {
        let mut path = PathBuf::new();
        path.push(self)?;
        Ok(path)
    }

    /// Whether it begins at the root.
    pub fn is_absolute(&self) -> bool {
        self.0.first() == Some(&b'/')
    }

    /// Whether it begins wherever one is.
    pub fn is_relative(&self) -> bool {
        !self.is_absolute()
    }

    /// Its components, from either end: see [`Component`].
    pub fn components(&self) -> Components<'_> {
        Components {
            rest: &self.0,
            is_whole: true,
        }
    }

    /// The last component's name: of `a/b/` it is `b`, and `/`, `..` and `a/..` have
    /// none.
    pub fn file_name(&self) -> Option<&[u8]> {
        match self.components().next_back()? {
            Component::Normal(name) => Some(name),
            _ => None,
        }
    }

    /// The [`file_name`](Path::file_name) down to its last dot: of `a.tar.gz` it is
    /// `a.tar`. A dot at the beginning does not count.
    pub fn file_stem(&self) -> Option<&[u8]> {
        self.file_name().map(|name| split_at_dot(name).0)
    }

    /// The [`file_name`](Path::file_name) behind its last dot: of `a.tar.gz` it is `gz`.
    /// A dot at the beginning does not count.
    pub fn extension(&self) -> Option<&[u8]> {
        self.file_name().and_then(|name| split_at_dot(name).1)
    }

    /// The path without its last component: of `a/b` it is `a`, of `a` it is empty, and
    /// the root and the empty path have none.
    pub fn parent(&self) -> Option<&Path> {
        let mut components = self.components();
        match components.next_back()? {
            Component::RootDir => None,
            _ => Some(components.as_path()),
        }
    }

    /// The path itself, its parent, its parent's, and so on.
    pub fn ancestors(&self) -> impl Iterator<Item = &Path> + Clone {
        iter::successors(Some(self), |path| path.parent())
    }

    /// `path` as seen from this one, with a `/` between them; an absolute one replaces it.
    ///
    /// # Errors
    ///
    /// As for [`PathBuf::push`].
    pub fn join(&self, path: impl AsRef<Path>) -> Result<PathBuf> {
        let mut joined = self.to_path_buf()?;
        joined.push(path)?;
        Ok(joined)
    }
}

/// A file's name, and its extension.
fn split_at_dot(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    match name.iter().rposition(|&byte| byte == b'.') {
        None | Some(0) => (name, None),
        Some(dot) => (&name[..dot], Some(&name[dot + 1..])),
    }
}

/// Two paths are the same if their components are: `a/b`, `a//b` and `a/./b/`.
impl PartialEq for Path {
    fn eq(&self, other: &Path) -> bool {
        self.components().eq(other.components())
    }
}

impl Eq for Path {}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        f.write_char('"')
    }
}

/// A path to be printed: [`Path::display`].
#[derive(Clone, Copy, Debug)]
pub struct Display<'path>(&'path Path);

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}

/// A piece of a path between two `/`.
///
/// Several `/` in a row are one, one at the end is none, and a `.` that is not the first
/// piece is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component<'path> {
    /// The `/` at the beginning.
    RootDir,
    /// A `.` at the beginning.
    CurDir,
    /// `..`. It stays, as only the file system knows where it leads.
    ParentDir,
    /// A name.
    Normal(&'path [u8]),
}

/// A path's components: [`Path::components`].
#[derive(Clone, Debug)]
pub struct Components<'path> {
    rest: &'path [u8],
    /// Whether the rest begins where the path does, where `/` and `.` mean something.
    is_whole: bool,
}

impl<'path> Components<'path> {
    /// The path of the components that are left.
    pub fn as_path(&self) -> &'path Path {
        let mut this = self.clone();
        this.trim_front();
        this.trim_back();
        Path::from_bytes(this.rest)
    }

    /// How many bytes at the beginning are its root.
    fn root_len(&self) -> usize {
        usize::from(self.is_whole && self.rest.starts_with(b"/"))
    }

    /// Drops what is no component from the beginning.
    fn trim_front(&mut self) {
        while !self.is_whole {
            self.rest = match self.rest {
                [b'/', rest @ ..] => rest,
                [b'.'] => &[],
                [b'.', rest @ ..] if rest.starts_with(b"/") => rest,
                _ => return,
            };
        }
    }

    /// Drops what is no component from the end.
    fn trim_back(&mut self) {
        while self.rest.len() > self.root_len() {
            self.rest = match self.rest {
                [rest @ .., b'/'] => rest,
                [b'.'] if !self.is_whole => &[],
                [rest @ .., b'.'] if rest.ends_with(b"/") => rest,
                _ => return,
            };
        }
    }
}

impl<'path> Component<'path> {
    fn of(name: &'path [u8]) -> Component<'path> {
        match name {
            b"." => Component::CurDir,
            b".." => Component::ParentDir,
            name => Component::Normal(name),
        }
    }
}

impl<'path> Iterator for Components<'path> {
    type Item = Component<'path>;

    fn next(&mut self) -> Option<Component<'path>> {
        if self.is_whole {
            let root = self.root_len();
            self.is_whole = false;
            if root > 0 {
                self.rest = &self.rest[root..];
                return Some(Component::RootDir);
            }
        } else {
            self.trim_front();
        }
        let is_slash = |&byte: &u8| byte == b'/';
        let len = self.rest.iter().position(is_slash);
        let (name, rest) = self.rest.split_at(len.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!name.is_empty()).then(|| Component::of(name))
    }
}

impl<'path> DoubleEndedIterator for Components<'path> {
    fn next_back(&mut self) -> Option<Component<'path>> {
        self.trim_back();
        let root = self.root_len();
        let is_slash = |&byte: &u8| byte == b'/';
        let before = match self.rest[root..].iter().rposition(is_slash) {
            Some(slash) => root + slash + 1,
            None => root,
        };
        let (rest, name) = self.rest.split_at(before);
        if !name.is_empty() {
            self.rest = rest;
            return Some(Component::of(name));
        }
        self.rest = &[];
        (root > 0).then_some(Component::RootDir)
    }
}

/// A path of its own, of at most [`PATH_MAX`] bytes with the NUL that the kernel wants
/// behind it: it goes there as it is.
#[derive(Clone)]
pub struct PathBuf {
    /// The bytes and a NUL, which is the only one.
    bytes: Vec<u8, PATH_MAX>,
}

impl PathBuf {
    /// An empty path.
    pub fn new() -> PathBuf {
        let mut bytes = Vec::new();
        // There is room for one.
        let _ = bytes.push(0);
        PathBuf { bytes }
    }

    /// The path with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        // SAFETY: the last byte is NUL, and no other is.
        unsafe { CStr::from_bytes_with_nul_unchecked(&self.bytes) }
    }

    /// Goes on to `path`, with a `/` between them; an absolute one replaces all.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG` if it is longer than [`PATH_MAX`], with the NUL, and `EINVAL` if
    /// there is a NUL in `path`; it stays as it was.
    pub fn push(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let mut kept = self.as_bytes();
        if path.is_absolute() {
            kept = &[];
        }
        let slash: &[u8] = match kept {
            [] | [.., b'/'] => b"",
            _ => b"/",
        };
        let kept = kept.len();
        if path.as_bytes().contains(&0) {
            return Err(Errno::EINVAL);
        }
        if kept + slash.len() + path.as_bytes().len() + 1 > PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        self.bytes.truncate(kept);
        for piece in [slash, path.as_bytes(), b"\0"] {
            // It fits: its length was looked at above.
            let _ = self.bytes.extend_from_slice(piece);
        }
        Ok(())
    }

    /// Goes back to the [`parent`](Path::parent); without one it stays, and this is
    /// `false`.
    pub fn pop(&mut self) -> bool {
        let Some(parent) = self.parent().map(|parent| parent.as_bytes().len()) else {
            return false;
        };
        self.bytes.truncate(parent);
        // One byte at least went.
        let _ = self.bytes.push(0);
        true
    }
}

impl Default for PathBuf {
    fn default() -> PathBuf {
        PathBuf::new()
    }
}

impl Deref for PathBuf {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::from_bytes(self.as_c_str().to_bytes())
    }
}

impl PartialEq for PathBuf {
    fn eq(&self, other: &PathBuf) -> bool {
        **self == **other
    }
}

impl Eq for PathBuf {}

impl fmt::Debug for PathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// What is a path as it is: its bytes.
macro_rules! paths {
    ($(($($const:tt)*) $path:ty, $bytes:ident;)*) => {$(
        impl<$($const)*> AsRef<Path> for $path {
            #[inline]
            fn as_ref(&self) -> &Path {
                Path::from_bytes(self.$bytes())
            }
        }
    )*};
}

paths! {
    () Path, as_bytes;
    () PathBuf, as_bytes;
    () str, as_bytes;
    () CStr, to_bytes;
    () [u8], as_ref;
    (const N: usize) [u8; N], as_slice;
}

/// As its bytes, by way of a copy.
impl sys::Path for &Path {
    type Buffer = <&'static [u8] as sys::Path>::Buffer;

    #[inline(always)]
    fn buffer(&self) -> Self::Buffer {
        self.as_bytes().buffer()
    }

    #[inline(always)]
    fn c_str<'path>(self, buffer: &'path mut Self::Buffer) -> Result<&'path CStr>
    where
        Self: 'path,
    {
        self.as_bytes().c_str(buffer)
    }
}

/// As it is: it has its NUL.
impl sys::Path for &PathBuf {
    type Buffer = ();

    #[inline(always)]
    fn buffer(&self) {}

    #[inline(always)]
    fn c_str<'path>(self, (): &'path mut ()) -> Result<&'path CStr>
    where
        Self: 'path,
    {
        Ok(self.as_c_str())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path;
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    /// Every text of up to seven of these letters.
    fn texts() -> impl Iterator<Item = String> {
        const LETTERS: [char; 3] = ['/', '.', 'a'];
        (0..=7).flat_map(|len| {
            (0..3_usize.pow(len)).map(move |number| {
                let digits = (0..len).map(|place| number / 3_usize.pow(place) % 3);
                digits.map(|digit| LETTERS[digit]).collect()
            })
        })
    }

    fn like_std(component: Component<'_>) -> path::Component<'_> {
        match component {
            Component::RootDir => path::Component::RootDir,
            Component::CurDir => path::Component::CurDir,
            Component::ParentDir => path::Component::ParentDir,
            Component::Normal(name) => path::Component::Normal(OsStr::from_bytes(name)),
        }
    }

    fn bytes(path: Option<&path::Path>) -> Option<&[u8]> {
        path.map(|path| path.as_os_str().as_bytes())
    }

    #[test]
    fn components_are_std_s() {
        for text in texts() {
            let (ours, theirs) = (Path::new(&*text), path::Path::new(&text));
            let components = || ours.components().map(like_std);
            assert!(components().eq(theirs.components()), "{text:?}");
            assert!(components().rev().eq(theirs.components().rev()), "{text:?}");
        }
    }

    /// Taken from both ends, in every order.
    #[test]
    fn components_meet_as_std_s() {
        for text in texts().filter(|text| text.len() < 6) {
            for order in 0..1 << 6 {
                let mut ours = Path::new(&*text).components();
                let mut theirs = path::Path::new(&text).components();
                for step in 0..6 {
                    let (one, other) = match order >> step & 1 {
                        0 => (ours.next(), theirs.next()),
                        _ => (ours.next_back(), theirs.next_back()),
                    };
                    assert_eq!(one.map(like_std), other, "{text:?} by {order:b}");
                    assert_eq!(
                        Some(ours.as_path().as_bytes()),
                        bytes(Some(theirs.as_path())),
                        "{text:?} by {order:b}"
                    );
                }
            }
        }
    }

    #[test]
    fn pieces_are_std_s() {
        for text in texts() {
            let (ours, theirs) = (Path::new(&*text), path::Path::new(&text));
            let piece = |piece: Option<&OsStr>| piece.map(|piece| piece.as_bytes().to_vec());
            let own = |piece: Option<&[u8]>| piece.map(<[u8]>::to_vec);
            assert_eq!(own(ours.file_name()), piece(theirs.file_name()), "{text:?}");
            assert_eq!(own(ours.file_stem()), piece(theirs.file_stem()), "{text:?}");
            assert_eq!(own(ours.extension()), piece(theirs.extension()), "{text:?}");
            assert_eq!(ours.is_absolute(), theirs.is_absolute(), "{text:?}");
            let ancestors: Vec<_> = ours.ancestors().map(Path::as_bytes).collect();
            let expected = theirs.ancestors().map(|path| path.as_os_str().as_bytes());
            assert!(ancestors.iter().copied().eq(expected), "{text:?}");
        }
    }

    #[test]
    fn joining_is_std_s() {
        let short = || texts().filter(|text| text.len() < 4);
        for (one, other) in short().flat_map(|one| short().map(move |other| (one.clone(), other))) {
            let joined = Path::new(&*one).join(&*other).unwrap();
            let expected = path::Path::new(&one).join(&other);
            assert_eq!(Some(joined.as_bytes()), bytes(Some(&expected)));
            let (mut popped, mut expected) = (joined, expected);
            assert_eq!(popped.pop(), expected.pop());
            assert_eq!(Some(popped.as_bytes()), bytes(Some(&expected)));
            let same = path::Path::new(&one) == path::Path::new(&other);
            assert_eq!(
                Path::new(&*one) == Path::new(&*other),
                same,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn a_path_fits_or_stays_as_it_was() {
        let mut path = Path::new("/a").to_path_buf().unwrap();
        assert_eq!(path.push([b'b'; PATH_MAX - 3]), Err(Errno::ENAMETOOLONG));
        assert_eq!(path.push("b\0"), Err(Errno::EINVAL));
        assert_eq!(path.as_c_str(), c"/a");
        path.push([b'b'; PATH_MAX - 4]).unwrap();
        assert_eq!(path.as_c_str().to_bytes_with_nul().len(), PATH_MAX);
        assert_eq!(path.push("b"), Err(Errno::ENAMETOOLONG));
        path.push("/c").unwrap();
        assert_eq!(path.as_c_str(), c"/c");
    }

    #[test]
    fn paths_are_shown_as_std_shows_them() {
        let odd: &[u8] = b"a\xffb\"\n\xc3\xa4";
        let (ours, theirs) = (Path::new(odd), path::Path::new(OsStr::from_bytes(odd)));
        assert_eq!(
            std::format!("{ours:?}").to_lowercase(),
            std::format!("{theirs:?}").to_lowercase()
        );
        assert_eq!(ours.display().to_string(), theirs.display().to_string());
        assert_eq!(Path::new("\u{e4}").to_str(), Some("\u{e4}"));
        assert_eq!(ours.to_str(), None);
    }
}
