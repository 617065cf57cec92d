namespace SinGateway.Spooling;

/// <summary>
/// The files of one spool: what its code asks of a file system, so that tests can fail each call. Names are relative to the spool's
/// directory. Everything throws <see cref="SpoolFileException"/>. Any thread, one call at a time.
/// </summary>
internal interface ISpoolFiles
{
    /// <summary>A new, empty file, mode 0600; its name is durable after <see cref="SyncDirectory"/>. The caller closes the descriptor.</summary>
    int Create(string name);

    int Open(string name);

    void Close(int file);

    long Length(int file);

    /// <summary>Fills the buffer; fewer bytes only at the end of the file.</summary>
    int Read(int file, Span<byte> buffer, long offset);

    /// <summary>Writes all of it, or throws when an unknown part of it is written.</summary>
    void Write(int file, ReadOnlySpan<byte> bytes, long offset);

    /// <summary>
    /// Returns when everything written to the file is on the disk. After it threw, nothing since the last success may be assumed to be.
    /// </summary>
    void Sync(int file);

    /// <summary>Returns when names that were made or changed in the directory are on the disk; "" is the spool's own.</summary>
    void SyncDirectory(string name);

    void Truncate(int file, long length);

    /// <summary>Harmless when there is no such file.</summary>
    void Delete(string name);

    /// <summary>Replaces what has the new name.</summary>
    void Rename(string name, string newName);

    /// <summary>Names and lengths of the files in a directory of the spool, sorted by name.</summary>
    List<(string Name, long Length)> List(string directory);
}
