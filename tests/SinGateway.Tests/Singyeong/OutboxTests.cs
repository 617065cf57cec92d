using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using SinGateway.Singyeong;
using SinGateway.WebSockets;

namespace SinGateway.Tests.Singyeong;

public sealed class OutboxTests
{
    private const int Limit = 4 * Outbox.ChunkSize;

    private enum Step
    {
        Append,
        Send,
        Confirm,
        Rewind,
    }

    /// <summary>
    /// The model is every frame that was ever appended, in one array: what is unsent must be its rest, what is confirmed need not be kept.
    /// </summary>
    [Test]
    public void Whatever_is_appended_sent_confirmed_and_rewound_comes_out_as_it_went_in()
    {
        Gen<(Step Step, int Size)> step =
            from kind in Gen.Frequency((6, Gen.Constant(Step.Append)), (6, Gen.Constant(Step.Send)), (3, Gen.Constant(Step.Confirm)), (1, Gen.Constant(Step.Rewind)))
            from size in Gen.OneOf(Gen.Choose(0, 3_000), Gen.Choose(60_000, 140_000), Gen.Choose(200_000, 600_000))
            select (kind, size);

        Prop.ForAll(Gen.ListOf(step, 150).ToArbitrary(), steps =>
        {
            using Outbox outbox = new(Limit);
            List<byte> all = [];
            List<long> boundaries = [0];
            Random random = new(steps.Count());
            foreach ((Step kind, int size) in steps)
            {
                switch (kind)
                {
                    case Step.Append when outbox.ReservedBytes < Limit:
                        byte[] frame = Frame(random, size);
                        frame.CopyTo(outbox.Reserve(frame.Length));
                        outbox.Append(frame.Length, default);
                        all.AddRange(frame);
                        boundaries.Add(all.Count);
                        break;
                    case Step.Send:
                        long end = boundaries[random.Next(boundaries.Count)];
                        ReadOnlySpan<byte> unsent = outbox.Unsent(end);
                        if (unsent.IsEmpty != (outbox.Sent >= Math.Min(end, all.Count)))
                        {
                            return false;
                        }

                        unsent = unsent[..Math.Min(size, unsent.Length)];
                        if (!unsent.SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(all).Slice((int)outbox.Sent, unsent.Length)))
                        {
                            return false;
                        }

                        outbox.MarkSent(unsent.Length);
                        break;
                    case Step.Confirm:
                        outbox.Confirm(boundaries.Where(boundary => boundary >= outbox.Confirmed && boundary <= outbox.Sent).ElementAtOrDefault(size % 3) is var at and > 0 ? at : outbox.Confirmed);
                        break;
                    case Step.Rewind:
                        outbox.Rewind();
                        break;
                }

                bool isRight = outbox.End == all.Count
                    && outbox.Confirmed <= outbox.Sent && outbox.Sent <= outbox.End
                    && outbox.NextBoundary() == boundaries.First(boundary => boundary >= outbox.Sent)
                    && outbox.ReservedBytes >= outbox.End - outbox.Confirmed
                    && (outbox.Confirmed < outbox.End || outbox.ReservedBytes == 0);
                if (!isRight)
                {
                    return false;
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Test]
    public async Task A_frame_lies_in_one_chunk_whole()
    {
        using Outbox outbox = new(Limit);
        int first = Append(outbox, 200_000);
        int second = Append(outbox, 100_000);

        await Assert.That(outbox.Unsent(outbox.End).Length).IsEqualTo(first);
        outbox.MarkSent(first);
        await Assert.That(outbox.Unsent(outbox.End).Length).IsEqualTo(second);
    }

    [Test]
    public async Task A_frame_larger_than_a_chunk_has_one_of_its_own_which_goes_back_with_it()
    {
        using Outbox outbox = new(Limit);
        int size = Append(outbox, 500_000);

        await Assert.That(outbox.Unsent(outbox.End).Length).IsEqualTo(size);
        await Assert.That(outbox.ReservedBytes).IsEqualTo(2 * Outbox.ChunkSize);
        outbox.MarkSent(size);
        outbox.Confirm(size);
        await Assert.That(outbox.ReservedBytes).IsEqualTo(0);
    }

    [Test]
    public async Task A_chunk_that_was_reserved_and_not_used_keeps_no_later_one()
    {
        using Outbox outbox = new(Limit);
        outbox.Reserve(100);
        int size = Append(outbox, 500_000);
        outbox.MarkSent(size);
        outbox.Confirm(size);

        await Assert.That(outbox.ReservedBytes).IsEqualTo(0);
    }

    [Test]
    [Arguments(64L * 1024 * 1024, 32L * 1024 * 1024)]
    [Arguments(1_000L, 500L)]
    [Arguments(1L << 40, int.MaxValue / 2L)]
    public async Task The_largest_frame_is_half_of_the_limit(long limit, long largest)
    {
        using Delivery delivery = new(limit, [], () => 0, NullLogger.Instance);
        await Assert.That(delivery.Outbox.MaximumFrame).IsEqualTo(largest);
    }

    [Test]
    public async Task A_limit_that_is_a_part_of_something_larger_takes_what_that_takes()
    {
        using Delivery delivery = new(1_000, [], () => 0, NullLogger.Instance, maximumFrame: 4_000);
        await Assert.That(delivery.Outbox.MaximumFrame).IsEqualTo(4_000);
    }

    [Test]
    public async Task Between_two_frames_the_next_boundary_is_here()
    {
        using Outbox outbox = new(Limit);
        await Assert.That(outbox.NextBoundary()).IsEqualTo(0);
        long first = Append(outbox, 10);
        Append(outbox, 70_000);
        outbox.MarkSent((int)first);
        await Assert.That(outbox.NextBoundary()).IsEqualTo(first);
        outbox.MarkSent(1);
        await Assert.That(outbox.NextBoundary()).IsEqualTo(outbox.End);
    }

    private static byte[] Frame(Random random, int payload)
    {
        byte[] bytes = new byte[payload];
        random.NextBytes(bytes);
        byte[] frame = new byte[FrameWriter.HeaderSize(payload) + payload];
        FrameWriter.Write(frame, Opcode.Text, bytes, 0x0102_0304);
        return frame;
    }

    private static int Append(Outbox outbox, int payload)
    {
        byte[] frame = Frame(new Random(1), payload);
        frame.CopyTo(outbox.Reserve(frame.Length));
        outbox.Append(frame.Length, default);
        return frame.Length;
    }
}
