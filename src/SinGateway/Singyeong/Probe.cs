namespace SinGateway.Singyeong;

/// <summary>What a <see cref="Probe"/> is about.</summary>
internal enum ProbeKind
{
    None,

    /// <summary>The first message of a lane.</summary>
    Lane,

    /// <summary>A frame of the outbox that the server may have failed on.</summary>
    Suspect,
}

/// <summary>
/// Something that is sent alone, with a heartbeat behind it and nothing else in flight, so that what follows can only be about it (G9, G11).
/// Mutable: to be kept in a field, never copied.
/// </summary>
internal struct Probe
{
    public ProbeKind Kind;

    /// <summary>Whose first message it is.</summary>
    public Lane? Lane;

    /// <summary>Bytes of a lane's message that are sent.</summary>
    public int Sent;

    /// <summary>Where a suspect ends.</summary>
    public long End;

    public bool HasHeartbeat;

    /// <summary>The lane's message came back.</summary>
    public bool IsRefused;
}
