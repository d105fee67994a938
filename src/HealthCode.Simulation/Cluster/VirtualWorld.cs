namespace HealthCode.Simulation;

/// <summary>Time, chance and threads of a simulated cluster: one thing happens at a time, and a seed decides which.</summary>
/// <remarks>
/// Nothing in it waits. A message, a reply of a store or the rest of a method is an event that is due at a moment; the
/// earliest happens, the clock stands at its moment, and what it sets off are new events. So a run of minutes takes
/// milliseconds and is the same again for the same seed.
/// </remarks>
internal sealed class VirtualWorld(int seed) : TimeProvider
{
    private static readonly DateTimeOffset Begin = new(2020, 3, 2, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Action, (long Due, long Order)> events = new();
    private long now;
    private long order;

    public Random Random { get; } = new(seed);

    /// <summary>Microseconds since the beginning.</summary>
    public long Now => now;

    /// <summary>Events that have happened.</summary>
    public long Steps { get; private set; }

    public override DateTimeOffset GetUtcNow() => Begin.AddMicroseconds(now);

    public void After(TimeSpan delay, Action happening) =>
        events.Enqueue(happening, (now + Math.Max(0, (long)delay.TotalMicroseconds), order++));

    public bool Chance(double share) => Random.NextDouble() < share;

    public TimeSpan Between(double minMilliseconds, double maxMilliseconds) =>
        TimeSpan.FromMilliseconds(minMilliseconds + (Random.NextDouble() * (maxMilliseconds - minMilliseconds)));

    /// <summary>How long a message takes: mostly a millisecond or two, now and then far longer, so that later ones overtake it.</summary>
    public TimeSpan Delay() => Chance(0.05) ? Between(50, 3_000) : Between(0.1, 3);

    /// <summary>Lets the next event happen.</summary>
    /// <returns>False when there is none before <paramref name="end"/>.</returns>
    public bool Step(TimeSpan end)
    {
        if (!events.TryPeek(out _, out var next) || next.Due > (long)end.TotalMicroseconds)
            return false;
        var happening = events.Dequeue();
        now = next.Due;
        Steps++;
        happening();
        return true;
    }
}

/// <summary>A process of the cluster: what it runs is lost when it is killed, and stands still while it is stopped.</summary>
internal sealed class VirtualProcess(VirtualWorld world, string name) : SynchronizationContext
{
    private readonly Queue<Action> turns = new();

    public string Name => name;

    public bool IsAlive { get; private set; } = true;

    public bool IsStopped { get; private set; }

    /// <summary>As <c>kill -9</c>: between any two steps.</summary>
    public void Kill()
    {
        IsAlive = false;
        turns.Clear();
    }

    /// <summary>As SIGSTOP and, later, SIGCONT: what is due meanwhile is done afterwards, in its order.</summary>
    public void Stop(TimeSpan duration)
    {
        IsStopped = true;
        world.After(duration, () =>
        {
            IsStopped = false;
            foreach (var _ in turns)
                world.After(TimeSpan.Zero, Turn);
        });
    }

    /// <summary>Runs something in the process, as one of its turns.</summary>
    public void Run(Func<Task> work) => Post(_ => _ = work(), null);

    /// <summary>The rest of a method that waited.</summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsAlive)
            return;
        turns.Enqueue(() => d(state));
        if (!IsStopped)
            world.After(TimeSpan.FromMicroseconds(world.Random.Next(1, 50)), Turn);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing waits in a simulation.");

    /// <summary>
    /// Answers what the process waits for. A method that goes on wherever it is goes on at once, and one that wants its own
    /// context becomes a turn.
    /// </summary>
    public void Answer(Action answer)
    {
        if (!IsAlive)
            return;
        if (IsStopped)
        {
            turns.Enqueue(() => Outside(answer));
            return;
        }
        Outside(answer);
    }

    private static void Outside(Action answer)
    {
        var before = Current;
        SetSynchronizationContext(null);
        try
        {
            answer();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private void Turn()
    {
        if (!IsAlive || IsStopped || !turns.TryDequeue(out var turn))
            return;
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            turn();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
