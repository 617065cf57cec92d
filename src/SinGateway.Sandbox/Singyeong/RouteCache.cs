namespace SinGateway.Sandbox.Singyeong;

/// <summary>
/// The routes that one connection has used, by the raw bytes of their targets: a sender repeats a few targets millions of times. Empties
/// itself when the list of clients is another one.
/// </summary>
internal sealed class RouteCache
{
    private const int MaxRoutes = 4096;

    private readonly Dictionary<byte[], Route> _routes;
    private readonly Dictionary<byte[], Route>.AlternateLookup<ReadOnlySpan<byte>> _byBytes;
    private SingyeongClient[]? _clients;

    public RouteCache()
    {
        _routes = new Dictionary<byte[], Route>(BytesComparer.Instance);
        _byBytes = _routes.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public Route? Find(ReadOnlySpan<byte> target, SingyeongClient[] clients)
    {
        if (_clients != clients || _routes.Count >= MaxRoutes)
        {
            _routes.Clear();
            _clients = clients;
        }
        return _byBytes.TryGetValue(target, out Route? route) ? route : null;
    }

    public void Add(byte[] target, Route route) => _routes[target] = route;

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static BytesComparer Instance { get; } = new();

        public bool Equals(byte[]? a, byte[]? b) => a.AsSpan().SequenceEqual(b);

        public int GetHashCode(byte[] bytes) => GetHashCode(bytes.AsSpan());

        public bool Equals(ReadOnlySpan<byte> bytes, byte[] other) => bytes.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> bytes)
        {
            HashCode hash = default;
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> bytes) => bytes.ToArray();
    }
}
