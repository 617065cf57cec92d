using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SinGateway.Loop;

/// <summary>
/// Every call into the kernel that the house makes by hand: sockets, epoll, eventfd, anonymous memory, the spool's files. Linux only, x64
/// and arm64 (the constants below are the same on both). A negative result is an error whose number <see cref="LastError"/> tells.
/// </summary>
internal static unsafe partial class SystemCalls
{
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int TooManyFilesInSystem = 23;
    public const int TooManyFiles = 24;
    public const int ConnectionInProgress = 115;

    public const uint PollIn = 0x001;
    public const uint PollOut = 0x004;
    public const uint PollError = 0x008;
    public const uint PollHangUp = 0x010;

    /// <summary>Bytes of one <c>struct epoll_event</c>: packed on x64 alone.</summary>
    public static readonly int EpollEventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private static readonly int EpollDataOffset = EpollEventSize - 8;

    private const int ReadWrite = 0x2;
    private const int FromEnd = 2;
    private const int CreateNew = 0x40 | 0x80;
    private const int OwnerReadWrite = 0x180;
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int EpollAdd = 1;
    private const int EpollDelete = 2;
    private const int EpollModify = 3;
    private const int FamilyInternet = 2;
    private const int FamilyInternet6 = 10;
    private const int SocketStream = 1;
    private const int NoSignal = 0x4000;
    private const int LevelSocket = 1;
    private const int OptionReuseAddress = 2;
    private const int OptionError = 4;
    private const int OptionKeepAlive = 9;
    private const int LevelTcp = 6;
    private const int OptionNoDelay = 1;
    private const int ShutdownWrite = 1;
    private const int Backlog = 128;
    private const int ProtectReadWrite = 3;
    private const int MapPrivateAnonymous = 0x22;
    private const int AdviseDoNotNeed = 4;
    private const int OpenDescriptors = 7;
    private const int AtWorkingDirectory = -100;
    private const uint BasicStatistics = 0x7ff;
    private const int FileTypeBits = 0xF000;
    private const int OrdinaryFile = 0x8000;
    private const int MallocArenaMax = -8;
    private const int ClockBootTime = 7;

    /// <summary>The error of the last call of this file on this thread.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>errno as it stands now: what a library that was called last has left in it.</summary>
    public static int CurrentError => Marshal.GetLastSystemError();

    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    public static int EpollCreate() => Check(epoll_create1(CloseOnExec), "epoll_create1");

    /// <summary>A non-blocking eventfd, readable after <see cref="Signal"/> until <see cref="Consume"/>.</summary>
    public static int EventCreate() => Check(eventfd(0, CloseOnExec | NonBlocking), "eventfd");

    public static void Signal(int eventDescriptor)
    {
        ulong one = 1;
        write(eventDescriptor, &one, sizeof(ulong));
    }

    public static void Consume(int eventDescriptor)
    {
        ulong count;
        read(eventDescriptor, &count, sizeof(ulong));
    }

    public static void EpollAddDescriptor(int epoll, int descriptor, uint events, ulong data) => Control(epoll, EpollAdd, descriptor, events, data);

    public static void EpollModifyDescriptor(int epoll, int descriptor, uint events, ulong data) => Control(epoll, EpollModify, descriptor, events, data);

    public static void EpollRemoveDescriptor(int epoll, int descriptor) => Control(epoll, EpollDelete, descriptor, 0, 0);

    /// <summary>
    /// Waits for readiness. <paramref name="milliseconds"/> -1 waits for ever. Returns the number of events, 0 when interrupted.
    /// </summary>
    public static int EpollWait(int epoll, Span<byte> events, int milliseconds)
    {
        fixed (byte* pointer = events)
        {
            int count = epoll_wait(epoll, pointer, events.Length / EpollEventSize, milliseconds);
            return count >= 0 || LastError == Interrupted ? Math.Max(count, 0) : Check(count, "epoll_wait");
        }
    }

    /// <summary>Reads the event at <paramref name="index"/> that <see cref="EpollWait"/> wrote.</summary>
    public static uint EventAt(ReadOnlySpan<byte> events, int index, out ulong data)
    {
        ReadOnlySpan<byte> entry = events.Slice(index * EpollEventSize, EpollEventSize);
        data = Unsafe.ReadUnaligned<ulong>(in entry[EpollDataOffset]);
        return Unsafe.ReadUnaligned<uint>(in entry[0]);
    }

    /// <summary>
    /// A non-blocking TCP socket without Nagle's delay that is connecting to <paramref name="endPoint"/>; negative is an error.
    /// </summary>
    public static int ConnectStart(IPEndPoint endPoint)
    {
        SocketAddress address = endPoint.Serialize();
        int descriptor = socket(endPoint.AddressFamily == AddressFamily.InterNetworkV6 ? FamilyInternet6 : FamilyInternet, SocketStream | NonBlocking | CloseOnExec, 0);
        if (descriptor < 0)
        {
            return descriptor;
        }

        int enabled = 1;
        setsockopt(descriptor, LevelTcp, OptionNoDelay, &enabled, sizeof(int));
        setsockopt(descriptor, LevelSocket, OptionKeepAlive, &enabled, sizeof(int));
        fixed (byte* pointer = address.Buffer.Span)
        {
            if (connect(descriptor, pointer, address.Size) < 0 && LastError != ConnectionInProgress)
            {
                int error = LastError;
                close(descriptor);
                Marshal.SetLastPInvokeError(error);
                return -1;
            }
        }

        return descriptor;
    }

    /// <summary>The error of a connect that has ended: 0 when it succeeded.</summary>
    public static int ConnectResult(int descriptor)
    {
        int error = 0;
        int size = sizeof(int);
        return getsockopt(descriptor, LevelSocket, OptionError, &error, &size) < 0 ? LastError : error;
    }

    /// <summary>A non-blocking TCP socket that listens at <paramref name="endPoint"/>; negative is an error.</summary>
    public static int ListenAt(IPEndPoint endPoint)
    {
        SocketAddress address = endPoint.Serialize();
        int descriptor = socket(endPoint.AddressFamily == AddressFamily.InterNetworkV6 ? FamilyInternet6 : FamilyInternet, SocketStream | NonBlocking | CloseOnExec, 0);
        if (descriptor < 0)
        {
            return descriptor;
        }

        // A restart must not wait until the connections of the process before are forgotten.
        int enabled = 1;
        setsockopt(descriptor, LevelSocket, OptionReuseAddress, &enabled, sizeof(int));
        fixed (byte* pointer = address.Buffer.Span)
        {
            if (bind(descriptor, pointer, address.Size) < 0 || listen(descriptor, Backlog) < 0)
            {
                int error = LastError;
                close(descriptor);
                Marshal.SetLastPInvokeError(error);
                return -1;
            }
        }

        return descriptor;
    }

    /// <summary>The port that a listening socket has.</summary>
    public static int PortOf(int listener)
    {
        const int AddressSize = 28; // of IPv6, the longer one; the port is in the same place in both, big-endian
        byte* address = stackalloc byte[AddressSize];
        int size = AddressSize;
        Check(getsockname(listener, address, &size), "getsockname");
        return (address[2] << 8) | address[3];
    }

    /// <summary>The next connection of a listening socket, non-blocking and without Nagle's delay; negative is an error.</summary>
    public static int Accept(int listener)
    {
        int descriptor = accept4(listener, null, null, NonBlocking | CloseOnExec);
        if (descriptor >= 0)
        {
            int enabled = 1;
            setsockopt(descriptor, LevelTcp, OptionNoDelay, &enabled, sizeof(int));
        }

        return descriptor;
    }

    public static int Receive(int descriptor, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            return (int)recv(descriptor, pointer, buffer.Length, 0);
        }
    }

    public static int Send(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes)
        {
            return (int)send(descriptor, pointer, bytes.Length, NoSignal);
        }
    }

    public static void ShutdownSending(int descriptor) => shutdown(descriptor, ShutdownWrite);

    public static void Close(int descriptor) => close(descriptor);

    /// <summary>Opens a directory, which .NET does not, so that a rename in it can be flushed. Negative is an error.</summary>
    public static int OpenDirectory(string path) => open(path, CloseOnExec, 0);

    /// <summary>
    /// Opens a file for reading and writing; with <paramref name="create"/> it must not exist yet, and is made with mode 0600. Negative is an
    /// error.
    /// </summary>
    public static int OpenFile(string path, bool create) => open(path, ReadWrite | CloseOnExec | (create ? CreateNew : 0), OwnerReadWrite);

    /// <summary>At most as many bytes as fit, from <paramref name="offset"/>; 0 at the end of the file. Negative is an error.</summary>
    public static int ReadAt(int descriptor, Span<byte> buffer, long offset)
    {
        fixed (byte* pointer = buffer)
        {
            return (int)pread(descriptor, pointer, buffer.Length, offset);
        }
    }

    /// <summary>Perhaps fewer bytes than given. Negative is an error.</summary>
    public static int WriteAt(int descriptor, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* pointer = bytes)
        {
            return (int)pwrite(descriptor, pointer, bytes.Length, offset);
        }
    }

    /// <summary>
    /// Returns when the file's content and length are on the disk. Unlike .NET's flush it tells of every error, that of a file system which
    /// turned read-only included.
    /// </summary>
    public static int SyncData(int descriptor) => fdatasync(descriptor);

    /// <summary>The same for a directory: what was made, renamed or removed in it.</summary>
    public static int Sync(int descriptor) => fsync(descriptor);

    /// <summary>Bytes of the file; moves its descriptor's own position, which nobody here uses.</summary>
    public static long FileLength(int descriptor) => lseek(descriptor, 0, FromEnd);

    public static int Truncate(int descriptor, long length) => ftruncate(descriptor, length);

    /// <summary>
    /// Zeroed pages straight from the kernel; <see cref="FreePages"/> gives them back at once, which malloc does not promise.
    /// </summary>
    public static byte* AllocatePages(int bytes)
    {
        void* pages = mmap(null, bytes, ProtectReadWrite, MapPrivateAnonymous, -1, 0);
        return (nint)pages == -1 ? throw new OutOfMemoryException() : (byte*)pages;
    }

    public static void FreePages(byte* pages, int bytes) => munmap(pages, bytes);

    /// <summary>
    /// Drops clean pages of a file's private mapping from the process; they come back from the file when they are touched.
    /// </summary>
    public static void ForgetPages(nuint start, nuint bytes) => madvise((void*)start, bytes, AdviseDoNotNeed);

    /// <summary>
    /// Raises this process' limit of open descriptors as far as it may, and returns it: each shard needs one, and many systems start
    /// programs with 1,024.
    /// </summary>
    public static long RaiseDescriptorLimit()
    {
        ulong* limit = stackalloc ulong[2];
        if (getrlimit(OpenDescriptors, limit) < 0)
        {
            return long.MaxValue;
        }

        ulong before = limit[0];
        limit[0] = limit[1];
        ulong now = setrlimit(OpenDescriptors, limit) < 0 ? before : limit[1];
        return (long)Math.Min(now, long.MaxValue);
    }

    /// <summary>Waits until a descriptor is readable, at most <paramref name="milliseconds"/>, or a signal comes.</summary>
    public static void WaitReadable(int descriptor, int milliseconds)
    {
        // struct pollfd { int fd; short events; short revents; }
        int* entry = stackalloc int[2];
        entry[0] = descriptor;
        entry[1] = (int)PollIn;
        poll(entry, 1, milliseconds);
    }

    /// <summary>Milliseconds since the boot, those included in which the machine slept (CLOCK_BOOTTIME).</summary>
    public static long BootTime()
    {
        // struct timespec { time_t tv_sec; long tv_nsec; }
        long* time = stackalloc long[2];
        clock_gettime(ClockBootTime, time);
        return (time[0] * 1000) + (time[1] / 1_000_000);
    }

    /// <summary>Limits glibc's malloc arenas: each keeps freed memory of its own. Call before any thread starts.</summary>
    public static void LimitMallocArenas(int count) => mallopt(MallocArenaMax, count);

    /// <summary>Gives the free pages of malloc's heaps back to the kernel.</summary>
    public static void TrimMalloc() => malloc_trim(0);

    /// <summary>
    /// Has libc look <paramref name="database"/> ("hosts", "passwd", …) up by <paramref name="services"/> ("files dns"), whatever
    /// nsswitch.conf says.
    /// </summary>
    public static void UseNameServices(string database, string services) => __nss_configure_lookup(database, services);

    /// <summary>
    /// Sets a variable, unless it is set, in the environment that native libraries see; .NET's own is a copy. Call before any thread starts.
    /// </summary>
    public static void SetEnvironmentDefault(string name, string value) => setenv(name, value, 0);

    private static void Control(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        byte* entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, events);
        Unsafe.WriteUnaligned(entry + EpollDataOffset, data);
        Check(epoll_ctl(epoll, operation, descriptor, entry), "epoll_ctl");
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call} failed: {Describe(LastError)}");

    /// <summary>
    /// What tells one content of a file from another without reading it: inode, length, and the times of its last changes. Follows symbolic
    /// links; null when there is no such file.
    /// </summary>
    public static (ulong Inode, ulong Length, long Written, uint WrittenNanoseconds, long Changed, uint ChangedNanoseconds)? Stamp(string path)
    {
        // struct statx: stx_ino at 32, stx_size at 40, stx_ctime at 96, stx_mtime at 112.
        byte* status = stackalloc byte[256];
        return statx(AtWorkingDirectory, path, 0, BasicStatistics, status) == 0
            ? (*(ulong*)(status + 32), *(ulong*)(status + 40), *(long*)(status + 112), *(uint*)(status + 120), *(long*)(status + 96), *(uint*)(status + 104))
            : null;
    }

    /// <summary>Whether it is an ordinary file, and no directory, device, socket or pipe. Follows symbolic links; null when there is nothing.</summary>
    public static bool? IsOrdinaryFile(string path)
    {
        // struct statx: stx_mode at 28.
        byte* status = stackalloc byte[256];
        return statx(AtWorkingDirectory, path, 0, BasicStatistics, status) == 0 ? (*(ushort*)(status + 28) & FileTypeBits) == OrdinaryFile : null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* entry);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int capacity, int milliseconds);

    [LibraryImport("libc")]
    private static partial int poll(int* entries, ulong count, int milliseconds);

    // No kernel entry but a read of the vDSO's page: some 20 ns, of which leaving managed code would be half.
    [LibraryImport("libc")]
    [SuppressGCTransition]
    private static partial int clock_gettime(int clock, long* time);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc")]
    private static partial nint read(int descriptor, void* buffer, nint size);

    [LibraryImport("libc")]
    private static partial nint write(int descriptor, void* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int descriptor, byte* address, int size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int descriptor, byte* address, int size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int listen(int descriptor, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockname(int descriptor, byte* address, int* size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int descriptor, byte* address, int* size, int flags);

    [LibraryImport("libc")]
    private static partial int setsockopt(int descriptor, int level, int option, void* value, int size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int descriptor, int level, int option, void* value, int* size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* buffer, nint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int descriptor, byte* buffer, nint size, int flags);

    [LibraryImport("libc")]
    private static partial int shutdown(int descriptor, int how);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int descriptor, void* buffer, nint size, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int descriptor, void* buffer, nint size, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(int descriptor, long length);

    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nint size, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc")]
    private static partial int munmap(void* address, nint size);

    [LibraryImport("libc")]
    private static partial int madvise(void* address, nuint size, int advice);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc")]
    private static partial int malloc_trim(nint pad);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int __nss_configure_lookup(string database, string services);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
